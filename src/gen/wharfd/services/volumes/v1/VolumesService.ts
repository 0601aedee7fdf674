// Original file: proto/wharfd/services/volumes/v1/volumes.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListRequest as _wharfd_services_volumes_v1_ListRequest, ListRequest__Output as _wharfd_services_volumes_v1_ListRequest__Output } from '../../../../wharfd/services/volumes/v1/ListRequest.js';
import type { ListResponse as _wharfd_services_volumes_v1_ListResponse, ListResponse__Output as _wharfd_services_volumes_v1_ListResponse__Output } from '../../../../wharfd/services/volumes/v1/ListResponse.js';
import type { RemoveRequest as _wharfd_services_volumes_v1_RemoveRequest, RemoveRequest__Output as _wharfd_services_volumes_v1_RemoveRequest__Output } from '../../../../wharfd/services/volumes/v1/RemoveRequest.js';
import type { RemoveResponse as _wharfd_services_volumes_v1_RemoveResponse, RemoveResponse__Output as _wharfd_services_volumes_v1_RemoveResponse__Output } from '../../../../wharfd/services/volumes/v1/RemoveResponse.js';

export interface VolumesServiceDefinition {
  List: MethodDefinition<_wharfd_services_volumes_v1_ListRequest, _wharfd_services_volumes_v1_ListResponse, _wharfd_services_volumes_v1_ListRequest__Output, _wharfd_services_volumes_v1_ListResponse__Output>
  Remove: MethodDefinition<_wharfd_services_volumes_v1_RemoveRequest, _wharfd_services_volumes_v1_RemoveResponse, _wharfd_services_volumes_v1_RemoveRequest__Output, _wharfd_services_volumes_v1_RemoveResponse__Output>
}
