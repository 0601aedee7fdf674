// Original file: proto/wharfd/services/copy/v1/copy.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { ReadRequest as _wharfd_services_copy_v1_ReadRequest, ReadRequest__Output as _wharfd_services_copy_v1_ReadRequest__Output } from '../../../../wharfd/services/copy/v1/ReadRequest.js';
import type { ReadResponse as _wharfd_services_copy_v1_ReadResponse, ReadResponse__Output as _wharfd_services_copy_v1_ReadResponse__Output } from '../../../../wharfd/services/copy/v1/ReadResponse.js';
import type { WriteRequest as _wharfd_services_copy_v1_WriteRequest, WriteRequest__Output as _wharfd_services_copy_v1_WriteRequest__Output } from '../../../../wharfd/services/copy/v1/WriteRequest.js';
import type { WriteResponse as _wharfd_services_copy_v1_WriteResponse, WriteResponse__Output as _wharfd_services_copy_v1_WriteResponse__Output } from '../../../../wharfd/services/copy/v1/WriteResponse.js';

export interface CopyServiceDefinition {
  Read: MethodDefinition<_wharfd_services_copy_v1_ReadRequest, _wharfd_services_copy_v1_ReadResponse, _wharfd_services_copy_v1_ReadRequest__Output, _wharfd_services_copy_v1_ReadResponse__Output>
  Write: MethodDefinition<_wharfd_services_copy_v1_WriteRequest, _wharfd_services_copy_v1_WriteResponse, _wharfd_services_copy_v1_WriteRequest__Output, _wharfd_services_copy_v1_WriteResponse__Output>
}
