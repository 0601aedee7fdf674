// Original file: proto/containerd/services/streaming/v1/streaming.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.js';

export interface StreamingDefinition {
  Stream: MethodDefinition<_google_protobuf_Any, _google_protobuf_Any, _google_protobuf_Any__Output, _google_protobuf_Any__Output>
}
