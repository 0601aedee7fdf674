// Original file: proto/containerd/services/mounts/v1/mounts.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { ActivateRequest as _containerd_services_mounts_v1_ActivateRequest, ActivateRequest__Output as _containerd_services_mounts_v1_ActivateRequest__Output } from '../../../../containerd/services/mounts/v1/ActivateRequest.js';
import type { ActivateResponse as _containerd_services_mounts_v1_ActivateResponse, ActivateResponse__Output as _containerd_services_mounts_v1_ActivateResponse__Output } from '../../../../containerd/services/mounts/v1/ActivateResponse.js';
import type { DeactivateRequest as _containerd_services_mounts_v1_DeactivateRequest, DeactivateRequest__Output as _containerd_services_mounts_v1_DeactivateRequest__Output } from '../../../../containerd/services/mounts/v1/DeactivateRequest.js';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.js';
import type { InfoRequest as _containerd_services_mounts_v1_InfoRequest, InfoRequest__Output as _containerd_services_mounts_v1_InfoRequest__Output } from '../../../../containerd/services/mounts/v1/InfoRequest.js';
import type { InfoResponse as _containerd_services_mounts_v1_InfoResponse, InfoResponse__Output as _containerd_services_mounts_v1_InfoResponse__Output } from '../../../../containerd/services/mounts/v1/InfoResponse.js';
import type { ListMessage as _containerd_services_mounts_v1_ListMessage, ListMessage__Output as _containerd_services_mounts_v1_ListMessage__Output } from '../../../../containerd/services/mounts/v1/ListMessage.js';
import type { ListRequest as _containerd_services_mounts_v1_ListRequest, ListRequest__Output as _containerd_services_mounts_v1_ListRequest__Output } from '../../../../containerd/services/mounts/v1/ListRequest.js';
import type { UpdateRequest as _containerd_services_mounts_v1_UpdateRequest, UpdateRequest__Output as _containerd_services_mounts_v1_UpdateRequest__Output } from '../../../../containerd/services/mounts/v1/UpdateRequest.js';
import type { UpdateResponse as _containerd_services_mounts_v1_UpdateResponse, UpdateResponse__Output as _containerd_services_mounts_v1_UpdateResponse__Output } from '../../../../containerd/services/mounts/v1/UpdateResponse.js';

export interface MountsDefinition {
  Activate: MethodDefinition<_containerd_services_mounts_v1_ActivateRequest, _containerd_services_mounts_v1_ActivateResponse, _containerd_services_mounts_v1_ActivateRequest__Output, _containerd_services_mounts_v1_ActivateResponse__Output>
  Deactivate: MethodDefinition<_containerd_services_mounts_v1_DeactivateRequest, _google_protobuf_Empty, _containerd_services_mounts_v1_DeactivateRequest__Output, _google_protobuf_Empty__Output>
  Info: MethodDefinition<_containerd_services_mounts_v1_InfoRequest, _containerd_services_mounts_v1_InfoResponse, _containerd_services_mounts_v1_InfoRequest__Output, _containerd_services_mounts_v1_InfoResponse__Output>
  List: MethodDefinition<_containerd_services_mounts_v1_ListRequest, _containerd_services_mounts_v1_ListMessage, _containerd_services_mounts_v1_ListRequest__Output, _containerd_services_mounts_v1_ListMessage__Output>
  Update: MethodDefinition<_containerd_services_mounts_v1_UpdateRequest, _containerd_services_mounts_v1_UpdateResponse, _containerd_services_mounts_v1_UpdateRequest__Output, _containerd_services_mounts_v1_UpdateResponse__Output>
}
