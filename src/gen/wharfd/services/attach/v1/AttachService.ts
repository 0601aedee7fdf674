// Original file: proto/wharfd/services/attach/v1/attach.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { AttachRequest as _wharfd_services_attach_v1_AttachRequest, AttachRequest__Output as _wharfd_services_attach_v1_AttachRequest__Output } from '../../../../wharfd/services/attach/v1/AttachRequest.js';
import type { AttachResponse as _wharfd_services_attach_v1_AttachResponse, AttachResponse__Output as _wharfd_services_attach_v1_AttachResponse__Output } from '../../../../wharfd/services/attach/v1/AttachResponse.js';

export interface AttachServiceDefinition {
  Attach: MethodDefinition<_wharfd_services_attach_v1_AttachRequest, _wharfd_services_attach_v1_AttachResponse, _wharfd_services_attach_v1_AttachRequest__Output, _wharfd_services_attach_v1_AttachResponse__Output>
}
