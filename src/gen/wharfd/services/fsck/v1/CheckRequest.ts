// Original file: proto/wharfd/services/fsck/v1/fsck.proto

import type { RegistryResolver as _containerd_types_transfer_RegistryResolver, RegistryResolver__Output as _containerd_types_transfer_RegistryResolver__Output } from '../../../../containerd/types/transfer/RegistryResolver.js';

export interface CheckRequest {
  'repair'?: (boolean);
  'resolver'?: (_containerd_types_transfer_RegistryResolver | null);
}

export interface CheckRequest__Output {
  'repair': (boolean);
  'resolver': (_containerd_types_transfer_RegistryResolver__Output | null);
}
