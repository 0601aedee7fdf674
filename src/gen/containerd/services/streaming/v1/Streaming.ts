// Original file: proto/containerd/services/streaming/v1/streaming.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.js';

export interface StreamingClient extends grpc.Client {
  Stream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_google_protobuf_Any, _google_protobuf_Any__Output>;
  Stream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_google_protobuf_Any, _google_protobuf_Any__Output>;
  stream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_google_protobuf_Any, _google_protobuf_Any__Output>;
  stream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_google_protobuf_Any, _google_protobuf_Any__Output>;
  
}

export interface StreamingHandlers extends grpc.UntypedServiceImplementation {
  Stream: grpc.handleBidiStreamingCall<_google_protobuf_Any__Output, _google_protobuf_Any>;
  
}

export interface StreamingDefinition extends grpc.ServiceDefinition {
  Stream: MethodDefinition<_google_protobuf_Any, _google_protobuf_Any, _google_protobuf_Any__Output, _google_protobuf_Any__Output>
}
