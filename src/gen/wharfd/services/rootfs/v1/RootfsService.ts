// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyRequest as _wharfd_services_rootfs_v1_ApplyRequest, ApplyRequest__Output as _wharfd_services_rootfs_v1_ApplyRequest__Output } from '../../../../wharfd/services/rootfs/v1/ApplyRequest.js';
import type { ApplyResponse as _wharfd_services_rootfs_v1_ApplyResponse, ApplyResponse__Output as _wharfd_services_rootfs_v1_ApplyResponse__Output } from '../../../../wharfd/services/rootfs/v1/ApplyResponse.js';
import type { MountRequest as _wharfd_services_rootfs_v1_MountRequest, MountRequest__Output as _wharfd_services_rootfs_v1_MountRequest__Output } from '../../../../wharfd/services/rootfs/v1/MountRequest.js';
import type { MountResponse as _wharfd_services_rootfs_v1_MountResponse, MountResponse__Output as _wharfd_services_rootfs_v1_MountResponse__Output } from '../../../../wharfd/services/rootfs/v1/MountResponse.js';
import type { MountsRequest as _wharfd_services_rootfs_v1_MountsRequest, MountsRequest__Output as _wharfd_services_rootfs_v1_MountsRequest__Output } from '../../../../wharfd/services/rootfs/v1/MountsRequest.js';
import type { MountsResponse as _wharfd_services_rootfs_v1_MountsResponse, MountsResponse__Output as _wharfd_services_rootfs_v1_MountsResponse__Output } from '../../../../wharfd/services/rootfs/v1/MountsResponse.js';
import type { PrepareRequest as _wharfd_services_rootfs_v1_PrepareRequest, PrepareRequest__Output as _wharfd_services_rootfs_v1_PrepareRequest__Output } from '../../../../wharfd/services/rootfs/v1/PrepareRequest.js';
import type { PrepareResponse as _wharfd_services_rootfs_v1_PrepareResponse, PrepareResponse__Output as _wharfd_services_rootfs_v1_PrepareResponse__Output } from '../../../../wharfd/services/rootfs/v1/PrepareResponse.js';
import type { RemoveRequest as _wharfd_services_rootfs_v1_RemoveRequest, RemoveRequest__Output as _wharfd_services_rootfs_v1_RemoveRequest__Output } from '../../../../wharfd/services/rootfs/v1/RemoveRequest.js';
import type { RemoveResponse as _wharfd_services_rootfs_v1_RemoveResponse, RemoveResponse__Output as _wharfd_services_rootfs_v1_RemoveResponse__Output } from '../../../../wharfd/services/rootfs/v1/RemoveResponse.js';
import type { UnmountRequest as _wharfd_services_rootfs_v1_UnmountRequest, UnmountRequest__Output as _wharfd_services_rootfs_v1_UnmountRequest__Output } from '../../../../wharfd/services/rootfs/v1/UnmountRequest.js';
import type { UnmountResponse as _wharfd_services_rootfs_v1_UnmountResponse, UnmountResponse__Output as _wharfd_services_rootfs_v1_UnmountResponse__Output } from '../../../../wharfd/services/rootfs/v1/UnmountResponse.js';
import type { UnpackRequest as _wharfd_services_rootfs_v1_UnpackRequest, UnpackRequest__Output as _wharfd_services_rootfs_v1_UnpackRequest__Output } from '../../../../wharfd/services/rootfs/v1/UnpackRequest.js';
import type { UnpackResponse as _wharfd_services_rootfs_v1_UnpackResponse, UnpackResponse__Output as _wharfd_services_rootfs_v1_UnpackResponse__Output } from '../../../../wharfd/services/rootfs/v1/UnpackResponse.js';

export interface RootfsServiceDefinition {
  Apply: MethodDefinition<_wharfd_services_rootfs_v1_ApplyRequest, _wharfd_services_rootfs_v1_ApplyResponse, _wharfd_services_rootfs_v1_ApplyRequest__Output, _wharfd_services_rootfs_v1_ApplyResponse__Output>
  Mount: MethodDefinition<_wharfd_services_rootfs_v1_MountRequest, _wharfd_services_rootfs_v1_MountResponse, _wharfd_services_rootfs_v1_MountRequest__Output, _wharfd_services_rootfs_v1_MountResponse__Output>
  Mounts: MethodDefinition<_wharfd_services_rootfs_v1_MountsRequest, _wharfd_services_rootfs_v1_MountsResponse, _wharfd_services_rootfs_v1_MountsRequest__Output, _wharfd_services_rootfs_v1_MountsResponse__Output>
  Prepare: MethodDefinition<_wharfd_services_rootfs_v1_PrepareRequest, _wharfd_services_rootfs_v1_PrepareResponse, _wharfd_services_rootfs_v1_PrepareRequest__Output, _wharfd_services_rootfs_v1_PrepareResponse__Output>
  Remove: MethodDefinition<_wharfd_services_rootfs_v1_RemoveRequest, _wharfd_services_rootfs_v1_RemoveResponse, _wharfd_services_rootfs_v1_RemoveRequest__Output, _wharfd_services_rootfs_v1_RemoveResponse__Output>
  Unmount: MethodDefinition<_wharfd_services_rootfs_v1_UnmountRequest, _wharfd_services_rootfs_v1_UnmountResponse, _wharfd_services_rootfs_v1_UnmountRequest__Output, _wharfd_services_rootfs_v1_UnmountResponse__Output>
  Unpack: MethodDefinition<_wharfd_services_rootfs_v1_UnpackRequest, _wharfd_services_rootfs_v1_UnpackResponse, _wharfd_services_rootfs_v1_UnpackRequest__Output, _wharfd_services_rootfs_v1_UnpackResponse__Output>
}
