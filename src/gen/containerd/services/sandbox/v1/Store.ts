// Original file: proto/containerd/services/sandbox/v1/sandbox.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { StoreCreateRequest as _containerd_services_sandbox_v1_StoreCreateRequest, StoreCreateRequest__Output as _containerd_services_sandbox_v1_StoreCreateRequest__Output } from '../../../../containerd/services/sandbox/v1/StoreCreateRequest.js';
import type { StoreCreateResponse as _containerd_services_sandbox_v1_StoreCreateResponse, StoreCreateResponse__Output as _containerd_services_sandbox_v1_StoreCreateResponse__Output } from '../../../../containerd/services/sandbox/v1/StoreCreateResponse.js';
import type { StoreDeleteRequest as _containerd_services_sandbox_v1_StoreDeleteRequest, StoreDeleteRequest__Output as _containerd_services_sandbox_v1_StoreDeleteRequest__Output } from '../../../../containerd/services/sandbox/v1/StoreDeleteRequest.js';
import type { StoreDeleteResponse as _containerd_services_sandbox_v1_StoreDeleteResponse, StoreDeleteResponse__Output as _containerd_services_sandbox_v1_StoreDeleteResponse__Output } from '../../../../containerd/services/sandbox/v1/StoreDeleteResponse.js';
import type { StoreGetRequest as _containerd_services_sandbox_v1_StoreGetRequest, StoreGetRequest__Output as _containerd_services_sandbox_v1_StoreGetRequest__Output } from '../../../../containerd/services/sandbox/v1/StoreGetRequest.js';
import type { StoreGetResponse as _containerd_services_sandbox_v1_StoreGetResponse, StoreGetResponse__Output as _containerd_services_sandbox_v1_StoreGetResponse__Output } from '../../../../containerd/services/sandbox/v1/StoreGetResponse.js';
import type { StoreListRequest as _containerd_services_sandbox_v1_StoreListRequest, StoreListRequest__Output as _containerd_services_sandbox_v1_StoreListRequest__Output } from '../../../../containerd/services/sandbox/v1/StoreListRequest.js';
import type { StoreListResponse as _containerd_services_sandbox_v1_StoreListResponse, StoreListResponse__Output as _containerd_services_sandbox_v1_StoreListResponse__Output } from '../../../../containerd/services/sandbox/v1/StoreListResponse.js';
import type { StoreUpdateRequest as _containerd_services_sandbox_v1_StoreUpdateRequest, StoreUpdateRequest__Output as _containerd_services_sandbox_v1_StoreUpdateRequest__Output } from '../../../../containerd/services/sandbox/v1/StoreUpdateRequest.js';
import type { StoreUpdateResponse as _containerd_services_sandbox_v1_StoreUpdateResponse, StoreUpdateResponse__Output as _containerd_services_sandbox_v1_StoreUpdateResponse__Output } from '../../../../containerd/services/sandbox/v1/StoreUpdateResponse.js';

export interface StoreDefinition {
  Create: MethodDefinition<_containerd_services_sandbox_v1_StoreCreateRequest, _containerd_services_sandbox_v1_StoreCreateResponse, _containerd_services_sandbox_v1_StoreCreateRequest__Output, _containerd_services_sandbox_v1_StoreCreateResponse__Output>
  Delete: MethodDefinition<_containerd_services_sandbox_v1_StoreDeleteRequest, _containerd_services_sandbox_v1_StoreDeleteResponse, _containerd_services_sandbox_v1_StoreDeleteRequest__Output, _containerd_services_sandbox_v1_StoreDeleteResponse__Output>
  Get: MethodDefinition<_containerd_services_sandbox_v1_StoreGetRequest, _containerd_services_sandbox_v1_StoreGetResponse, _containerd_services_sandbox_v1_StoreGetRequest__Output, _containerd_services_sandbox_v1_StoreGetResponse__Output>
  List: MethodDefinition<_containerd_services_sandbox_v1_StoreListRequest, _containerd_services_sandbox_v1_StoreListResponse, _containerd_services_sandbox_v1_StoreListRequest__Output, _containerd_services_sandbox_v1_StoreListResponse__Output>
  Update: MethodDefinition<_containerd_services_sandbox_v1_StoreUpdateRequest, _containerd_services_sandbox_v1_StoreUpdateResponse, _containerd_services_sandbox_v1_StoreUpdateRequest__Output, _containerd_services_sandbox_v1_StoreUpdateResponse__Output>
}
