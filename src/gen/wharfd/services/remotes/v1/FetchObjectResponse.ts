// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';

export interface FetchObjectResponse {
  'target'?: (_containerd_types_Descriptor | null);
  'data'?: (Buffer | Uint8Array | string);
  'message'?: "target"|"data";
}

export interface FetchObjectResponse__Output {
  'target'?: (_containerd_types_Descriptor__Output | null);
  'data'?: (Buffer);
  'message'?: "target"|"data";
}
