// Original file: proto/containerd/types/transfer/imagestore.proto

import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../containerd/types/Platform.js';

export interface UnpackConfiguration {
  'platform'?: (_containerd_types_Platform | null);
  'snapshotter'?: (string);
}

export interface UnpackConfiguration__Output {
  'platform': (_containerd_types_Platform__Output | null);
  'snapshotter': (string);
}
