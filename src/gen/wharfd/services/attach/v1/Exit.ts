// Original file: proto/wharfd/services/attach/v1/attach.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';

export interface Exit {
  'exit_status'?: (number);
  'exited_at'?: (_google_protobuf_Timestamp | null);
  'pid'?: (number);
}

export interface Exit__Output {
  'exit_status': (number);
  'exited_at': (_google_protobuf_Timestamp__Output | null);
  'pid': (number);
}
