// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';

export interface UnpackResult {
  'chain_id'?: (string);
  'manifest'?: (_containerd_types_Descriptor | null);
  'snapshotter'?: (string);
}

export interface UnpackResult__Output {
  'chain_id': (string);
  'manifest': (_containerd_types_Descriptor__Output | null);
  'snapshotter': (string);
}
