// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';

export interface ResolveResponse {
  'name'?: (string);
  'target'?: (_containerd_types_Descriptor | null);
}

export interface ResolveResponse__Output {
  'name': (string);
  'target': (_containerd_types_Descriptor__Output | null);
}
