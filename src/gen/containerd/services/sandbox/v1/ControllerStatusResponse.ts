// Original file: proto/containerd/services/sandbox/v1/sandbox.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';
import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.js';

export interface ControllerStatusResponse {
  'sandbox_id'?: (string);
  'pid'?: (number);
  'state'?: (string);
  'info'?: ({[key: string]: string});
  'created_at'?: (_google_protobuf_Timestamp | null);
  'exited_at'?: (_google_protobuf_Timestamp | null);
  'extra'?: (_google_protobuf_Any | null);
  'address'?: (string);
  'version'?: (number);
}

export interface ControllerStatusResponse__Output {
  'sandbox_id': (string);
  'pid': (number);
  'state': (string);
  'info': ({[key: string]: string});
  'created_at': (_google_protobuf_Timestamp__Output | null);
  'exited_at': (_google_protobuf_Timestamp__Output | null);
  'extra': (_google_protobuf_Any__Output | null);
  'address': (string);
  'version': (number);
}
