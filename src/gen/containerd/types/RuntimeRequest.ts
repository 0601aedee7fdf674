// Original file: proto/containerd/types/introspection.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../google/protobuf/Any.js';

export interface RuntimeRequest {
  'runtime_path'?: (string);
  'options'?: (_google_protobuf_Any | null);
}

export interface RuntimeRequest__Output {
  'runtime_path': (string);
  'options': (_google_protobuf_Any__Output | null);
}
