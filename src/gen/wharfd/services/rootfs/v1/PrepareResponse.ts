// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from '../../../../containerd/types/Mount.js';

export interface PrepareResponse {
  'mounts'?: (_containerd_types_Mount)[];
}

export interface PrepareResponse__Output {
  'mounts': (_containerd_types_Mount__Output)[];
}
