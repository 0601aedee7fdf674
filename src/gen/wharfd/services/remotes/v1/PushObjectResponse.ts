// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';

export interface PushObjectResponse {
  'target'?: (_containerd_types_Descriptor | null);
  'existed'?: (boolean);
}

export interface PushObjectResponse__Output {
  'target': (_containerd_types_Descriptor__Output | null);
  'existed': (boolean);
}
