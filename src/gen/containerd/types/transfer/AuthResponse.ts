// Original file: proto/containerd/types/transfer/registry.proto

import type { AuthType as _containerd_types_transfer_AuthType, AuthType__Output as _containerd_types_transfer_AuthType__Output } from '../../../containerd/types/transfer/AuthType.js';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../google/protobuf/Timestamp.js';

export interface AuthResponse {
  'authType'?: (_containerd_types_transfer_AuthType);
  'secret'?: (string);
  'username'?: (string);
  'expire_at'?: (_google_protobuf_Timestamp | null);
}

export interface AuthResponse__Output {
  'authType': (_containerd_types_transfer_AuthType__Output);
  'secret': (string);
  'username': (string);
  'expire_at': (_google_protobuf_Timestamp__Output | null);
}
