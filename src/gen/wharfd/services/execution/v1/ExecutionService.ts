// Original file: proto/wharfd/services/execution/v1/execution.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListRequest as _wharfd_services_execution_v1_ListRequest, ListRequest__Output as _wharfd_services_execution_v1_ListRequest__Output } from '../../../../wharfd/services/execution/v1/ListRequest.js';
import type { ListResponse as _wharfd_services_execution_v1_ListResponse, ListResponse__Output as _wharfd_services_execution_v1_ListResponse__Output } from '../../../../wharfd/services/execution/v1/ListResponse.js';
import type { RemoveRequest as _wharfd_services_execution_v1_RemoveRequest, RemoveRequest__Output as _wharfd_services_execution_v1_RemoveRequest__Output } from '../../../../wharfd/services/execution/v1/RemoveRequest.js';
import type { RemoveResponse as _wharfd_services_execution_v1_RemoveResponse, RemoveResponse__Output as _wharfd_services_execution_v1_RemoveResponse__Output } from '../../../../wharfd/services/execution/v1/RemoveResponse.js';
import type { RunRequest as _wharfd_services_execution_v1_RunRequest, RunRequest__Output as _wharfd_services_execution_v1_RunRequest__Output } from '../../../../wharfd/services/execution/v1/RunRequest.js';
import type { RunResponse as _wharfd_services_execution_v1_RunResponse, RunResponse__Output as _wharfd_services_execution_v1_RunResponse__Output } from '../../../../wharfd/services/execution/v1/RunResponse.js';

export interface ExecutionServiceClient extends grpc.Client {
  List(argument: _wharfd_services_execution_v1_ListRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _wharfd_services_execution_v1_ListRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _wharfd_services_execution_v1_ListRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _wharfd_services_execution_v1_ListRequest, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _wharfd_services_execution_v1_ListRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _wharfd_services_execution_v1_ListRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _wharfd_services_execution_v1_ListRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _wharfd_services_execution_v1_ListRequest, callback: grpc.requestCallback<_wharfd_services_execution_v1_ListResponse__Output>): grpc.ClientUnaryCall;
  
  Remove(argument: _wharfd_services_execution_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _wharfd_services_execution_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _wharfd_services_execution_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _wharfd_services_execution_v1_RemoveRequest, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _wharfd_services_execution_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _wharfd_services_execution_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _wharfd_services_execution_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _wharfd_services_execution_v1_RemoveRequest, callback: grpc.requestCallback<_wharfd_services_execution_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  
  Run(argument: _wharfd_services_execution_v1_RunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  Run(argument: _wharfd_services_execution_v1_RunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  Run(argument: _wharfd_services_execution_v1_RunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  Run(argument: _wharfd_services_execution_v1_RunRequest, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  run(argument: _wharfd_services_execution_v1_RunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  run(argument: _wharfd_services_execution_v1_RunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  run(argument: _wharfd_services_execution_v1_RunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  run(argument: _wharfd_services_execution_v1_RunRequest, callback: grpc.requestCallback<_wharfd_services_execution_v1_RunResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ExecutionServiceHandlers extends grpc.UntypedServiceImplementation {
  List: grpc.handleUnaryCall<_wharfd_services_execution_v1_ListRequest__Output, _wharfd_services_execution_v1_ListResponse>;
  
  Remove: grpc.handleUnaryCall<_wharfd_services_execution_v1_RemoveRequest__Output, _wharfd_services_execution_v1_RemoveResponse>;
  
  Run: grpc.handleUnaryCall<_wharfd_services_execution_v1_RunRequest__Output, _wharfd_services_execution_v1_RunResponse>;
  
}

export interface ExecutionServiceDefinition extends grpc.ServiceDefinition {
  List: MethodDefinition<_wharfd_services_execution_v1_ListRequest, _wharfd_services_execution_v1_ListResponse, _wharfd_services_execution_v1_ListRequest__Output, _wharfd_services_execution_v1_ListResponse__Output>
  Remove: MethodDefinition<_wharfd_services_execution_v1_RemoveRequest, _wharfd_services_execution_v1_RemoveResponse, _wharfd_services_execution_v1_RemoveRequest__Output, _wharfd_services_execution_v1_RemoveResponse__Output>
  Run: MethodDefinition<_wharfd_services_execution_v1_RunRequest, _wharfd_services_execution_v1_RunResponse, _wharfd_services_execution_v1_RunRequest__Output, _wharfd_services_execution_v1_RunResponse__Output>
}
