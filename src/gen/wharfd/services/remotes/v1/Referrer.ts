// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';

export interface Referrer {
  'descriptor'?: (_containerd_types_Descriptor | null);
  'artifact_type'?: (string);
}

export interface Referrer__Output {
  'descriptor': (_containerd_types_Descriptor__Output | null);
  'artifact_type': (string);
}
