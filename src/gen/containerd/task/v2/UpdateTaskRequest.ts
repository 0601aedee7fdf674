// Original file: proto/containerd/task/v2/task.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../google/protobuf/Any.js';

export interface UpdateTaskRequest {
  'id'?: (string);
  'resources'?: (_google_protobuf_Any | null);
}

export interface UpdateTaskRequest__Output {
  'id': (string);
  'resources': (_google_protobuf_Any__Output | null);
}
