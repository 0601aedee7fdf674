// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type { Progress as _containerd_types_transfer_Progress, Progress__Output as _containerd_types_transfer_Progress__Output } from '../../../../containerd/types/transfer/Progress.js';
import type { UnpackResult as _wharfd_services_rootfs_v1_UnpackResult, UnpackResult__Output as _wharfd_services_rootfs_v1_UnpackResult__Output } from '../../../../wharfd/services/rootfs/v1/UnpackResult.js';

export interface UnpackResponse {
  'progress'?: (_containerd_types_transfer_Progress | null);
  'result'?: (_wharfd_services_rootfs_v1_UnpackResult | null);
  'message'?: "progress"|"result";
}

export interface UnpackResponse__Output {
  'progress'?: (_containerd_types_transfer_Progress__Output | null);
  'result'?: (_wharfd_services_rootfs_v1_UnpackResult__Output | null);
  'message'?: "progress"|"result";
}
