// Original file: proto/wharfd/services/volumes/v1/volumes.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';

export interface Volume {
  'name'?: (string);
  'path'?: (string);
  'created_at'?: (_google_protobuf_Timestamp | null);
}

export interface Volume__Output {
  'name': (string);
  'path': (string);
  'created_at': (_google_protobuf_Timestamp__Output | null);
}
