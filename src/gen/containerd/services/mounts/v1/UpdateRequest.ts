// Original file: proto/containerd/services/mounts/v1/mounts.proto

import type { ActivationInfo as _containerd_types_ActivationInfo, ActivationInfo__Output as _containerd_types_ActivationInfo__Output } from '../../../../containerd/types/ActivationInfo.js';
import type { FieldMask as _google_protobuf_FieldMask, FieldMask__Output as _google_protobuf_FieldMask__Output } from '../../../../google/protobuf/FieldMask.js';

export interface UpdateRequest {
  'info'?: (_containerd_types_ActivationInfo | null);
  'update_mask'?: (_google_protobuf_FieldMask | null);
}

export interface UpdateRequest__Output {
  'info': (_containerd_types_ActivationInfo__Output | null);
  'update_mask': (_google_protobuf_FieldMask__Output | null);
}
