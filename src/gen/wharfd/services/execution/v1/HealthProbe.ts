// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';

export interface HealthProbe {
  'start'?: (_google_protobuf_Timestamp | null);
  'end'?: (_google_protobuf_Timestamp | null);
  'exit_status'?: (number);
  'output'?: (string);
  '_exit_status'?: "exit_status";
}

export interface HealthProbe__Output {
  'start': (_google_protobuf_Timestamp__Output | null);
  'end': (_google_protobuf_Timestamp__Output | null);
  'exit_status'?: (number);
  'output': (string);
  '_exit_status'?: "exit_status";
}
