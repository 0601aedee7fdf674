// Original file: proto/wharfd/services/fsck/v1/fsck.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { CheckRequest as _wharfd_services_fsck_v1_CheckRequest, CheckRequest__Output as _wharfd_services_fsck_v1_CheckRequest__Output } from '../../../../wharfd/services/fsck/v1/CheckRequest.js';
import type { CheckResponse as _wharfd_services_fsck_v1_CheckResponse, CheckResponse__Output as _wharfd_services_fsck_v1_CheckResponse__Output } from '../../../../wharfd/services/fsck/v1/CheckResponse.js';

export interface FsckServiceDefinition {
  Check: MethodDefinition<_wharfd_services_fsck_v1_CheckRequest, _wharfd_services_fsck_v1_CheckResponse, _wharfd_services_fsck_v1_CheckRequest__Output, _wharfd_services_fsck_v1_CheckResponse__Output>
}
