// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';
import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../../containerd/types/Platform.js';

export interface UnpackRequest {
  'target'?: (_containerd_types_Descriptor | null);
  'snapshotter'?: (string);
  'platform'?: (_containerd_types_Platform | null);
}

export interface UnpackRequest__Output {
  'target': (_containerd_types_Descriptor__Output | null);
  'snapshotter': (string);
  'platform': (_containerd_types_Platform__Output | null);
}
