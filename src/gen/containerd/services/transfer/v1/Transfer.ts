// Original file: proto/containerd/services/transfer/v1/transfer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.js';
import type { TransferRequest as _containerd_services_transfer_v1_TransferRequest, TransferRequest__Output as _containerd_services_transfer_v1_TransferRequest__Output } from '../../../../containerd/services/transfer/v1/TransferRequest.js';

export interface TransferClient extends grpc.Client {
  Transfer(argument: _containerd_services_transfer_v1_TransferRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Transfer(argument: _containerd_services_transfer_v1_TransferRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Transfer(argument: _containerd_services_transfer_v1_TransferRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Transfer(argument: _containerd_services_transfer_v1_TransferRequest, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  transfer(argument: _containerd_services_transfer_v1_TransferRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  transfer(argument: _containerd_services_transfer_v1_TransferRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  transfer(argument: _containerd_services_transfer_v1_TransferRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  transfer(argument: _containerd_services_transfer_v1_TransferRequest, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
}

export interface TransferHandlers extends grpc.UntypedServiceImplementation {
  Transfer: grpc.handleUnaryCall<_containerd_services_transfer_v1_TransferRequest__Output, _google_protobuf_Empty>;
  
}

export interface TransferDefinition extends grpc.ServiceDefinition {
  Transfer: MethodDefinition<_containerd_services_transfer_v1_TransferRequest, _google_protobuf_Empty, _containerd_services_transfer_v1_TransferRequest__Output, _google_protobuf_Empty__Output>
}
