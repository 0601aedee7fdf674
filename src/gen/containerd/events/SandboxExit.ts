// Original file: proto/containerd/events/sandbox.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.js';

export interface SandboxExit {
  'sandbox_id'?: (string);
  'exit_status'?: (number);
  'exited_at'?: (_google_protobuf_Timestamp | null);
}

export interface SandboxExit__Output {
  'sandbox_id': (string);
  'exit_status': (number);
  'exited_at': (_google_protobuf_Timestamp__Output | null);
}
