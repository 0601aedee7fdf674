// Original file: proto/wharfd/services/changes/v1/changes.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';

export interface CommitResponse {
  'target'?: (_containerd_types_Descriptor | null);
}

export interface CommitResponse__Output {
  'target': (_containerd_types_Descriptor__Output | null);
}
