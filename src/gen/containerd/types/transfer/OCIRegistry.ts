// Original file: proto/containerd/types/transfer/registry.proto

import type { RegistryResolver as _containerd_types_transfer_RegistryResolver, RegistryResolver__Output as _containerd_types_transfer_RegistryResolver__Output } from '../../../containerd/types/transfer/RegistryResolver.js';

export interface OCIRegistry {
  'reference'?: (string);
  'resolver'?: (_containerd_types_transfer_RegistryResolver | null);
}

export interface OCIRegistry__Output {
  'reference': (string);
  'resolver': (_containerd_types_transfer_RegistryResolver__Output | null);
}
