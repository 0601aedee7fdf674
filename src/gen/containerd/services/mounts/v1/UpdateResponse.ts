// Original file: proto/containerd/services/mounts/v1/mounts.proto

import type { ActivationInfo as _containerd_types_ActivationInfo, ActivationInfo__Output as _containerd_types_ActivationInfo__Output } from '../../../../containerd/types/ActivationInfo.js';

export interface UpdateResponse {
  'info'?: (_containerd_types_ActivationInfo | null);
}

export interface UpdateResponse__Output {
  'info': (_containerd_types_ActivationInfo__Output | null);
}
