// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { RegistryResolver as _containerd_types_transfer_RegistryResolver, RegistryResolver__Output as _containerd_types_transfer_RegistryResolver__Output } from '../../../../containerd/types/transfer/RegistryResolver.js';

export interface RemoteOptions {
  'resolver'?: (_containerd_types_transfer_RegistryResolver | null);
  'plain_http'?: (boolean);
}

export interface RemoteOptions__Output {
  'resolver': (_containerd_types_transfer_RegistryResolver__Output | null);
  'plain_http': (boolean);
}
