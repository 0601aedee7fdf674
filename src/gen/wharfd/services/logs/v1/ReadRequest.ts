// Original file: proto/wharfd/services/logs/v1/logs.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';

export interface ReadRequest {
  'container_id'?: (string);
  'follow'?: (boolean);
  'since'?: (_google_protobuf_Timestamp | null);
  'until'?: (_google_protobuf_Timestamp | null);
  'tail'?: (number);
  '_tail'?: "tail";
}

export interface ReadRequest__Output {
  'container_id': (string);
  'follow': (boolean);
  'since': (_google_protobuf_Timestamp__Output | null);
  'until': (_google_protobuf_Timestamp__Output | null);
  'tail'?: (number);
  '_tail'?: "tail";
}
