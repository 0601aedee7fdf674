// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { MountsRequest as _wharfd_services_rootfs_v1_MountsRequest, MountsRequest__Output as _wharfd_services_rootfs_v1_MountsRequest__Output } from '../../../../wharfd/services/rootfs/v1/MountsRequest.js';
import type { MountsResponse as _wharfd_services_rootfs_v1_MountsResponse, MountsResponse__Output as _wharfd_services_rootfs_v1_MountsResponse__Output } from '../../../../wharfd/services/rootfs/v1/MountsResponse.js';
import type { PrepareRequest as _wharfd_services_rootfs_v1_PrepareRequest, PrepareRequest__Output as _wharfd_services_rootfs_v1_PrepareRequest__Output } from '../../../../wharfd/services/rootfs/v1/PrepareRequest.js';
import type { PrepareResponse as _wharfd_services_rootfs_v1_PrepareResponse, PrepareResponse__Output as _wharfd_services_rootfs_v1_PrepareResponse__Output } from '../../../../wharfd/services/rootfs/v1/PrepareResponse.js';
import type { UnpackRequest as _wharfd_services_rootfs_v1_UnpackRequest, UnpackRequest__Output as _wharfd_services_rootfs_v1_UnpackRequest__Output } from '../../../../wharfd/services/rootfs/v1/UnpackRequest.js';
import type { UnpackResponse as _wharfd_services_rootfs_v1_UnpackResponse, UnpackResponse__Output as _wharfd_services_rootfs_v1_UnpackResponse__Output } from '../../../../wharfd/services/rootfs/v1/UnpackResponse.js';

export interface RootfsServiceClient extends grpc.Client {
  Mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  Mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  Mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  Mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  mounts(argument: _wharfd_services_rootfs_v1_MountsRequest, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_MountsResponse__Output>): grpc.ClientUnaryCall;
  
  Prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  prepare(argument: _wharfd_services_rootfs_v1_PrepareRequest, callback: grpc.requestCallback<_wharfd_services_rootfs_v1_PrepareResponse__Output>): grpc.ClientUnaryCall;
  
  Unpack(argument: _wharfd_services_rootfs_v1_UnpackRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_wharfd_services_rootfs_v1_UnpackResponse__Output>;
  Unpack(argument: _wharfd_services_rootfs_v1_UnpackRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_wharfd_services_rootfs_v1_UnpackResponse__Output>;
  unpack(argument: _wharfd_services_rootfs_v1_UnpackRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_wharfd_services_rootfs_v1_UnpackResponse__Output>;
  unpack(argument: _wharfd_services_rootfs_v1_UnpackRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_wharfd_services_rootfs_v1_UnpackResponse__Output>;
  
}

export interface RootfsServiceHandlers extends grpc.UntypedServiceImplementation {
  Mounts: grpc.handleUnaryCall<_wharfd_services_rootfs_v1_MountsRequest__Output, _wharfd_services_rootfs_v1_MountsResponse>;
  
  Prepare: grpc.handleUnaryCall<_wharfd_services_rootfs_v1_PrepareRequest__Output, _wharfd_services_rootfs_v1_PrepareResponse>;
  
  Unpack: grpc.handleServerStreamingCall<_wharfd_services_rootfs_v1_UnpackRequest__Output, _wharfd_services_rootfs_v1_UnpackResponse>;
  
}

export interface RootfsServiceDefinition extends grpc.ServiceDefinition {
  Mounts: MethodDefinition<_wharfd_services_rootfs_v1_MountsRequest, _wharfd_services_rootfs_v1_MountsResponse, _wharfd_services_rootfs_v1_MountsRequest__Output, _wharfd_services_rootfs_v1_MountsResponse__Output>
  Prepare: MethodDefinition<_wharfd_services_rootfs_v1_PrepareRequest, _wharfd_services_rootfs_v1_PrepareResponse, _wharfd_services_rootfs_v1_PrepareRequest__Output, _wharfd_services_rootfs_v1_PrepareResponse__Output>
  Unpack: MethodDefinition<_wharfd_services_rootfs_v1_UnpackRequest, _wharfd_services_rootfs_v1_UnpackResponse, _wharfd_services_rootfs_v1_UnpackRequest__Output, _wharfd_services_rootfs_v1_UnpackResponse__Output>
}
