// Original file: proto/wharfd/services/attach/v1/attach.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AttachRequest as _wharfd_services_attach_v1_AttachRequest, AttachRequest__Output as _wharfd_services_attach_v1_AttachRequest__Output } from '../../../../wharfd/services/attach/v1/AttachRequest.js';
import type { AttachResponse as _wharfd_services_attach_v1_AttachResponse, AttachResponse__Output as _wharfd_services_attach_v1_AttachResponse__Output } from '../../../../wharfd/services/attach/v1/AttachResponse.js';

export interface AttachServiceClient extends grpc.Client {
  Attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_wharfd_services_attach_v1_AttachRequest, _wharfd_services_attach_v1_AttachResponse__Output>;
  Attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_wharfd_services_attach_v1_AttachRequest, _wharfd_services_attach_v1_AttachResponse__Output>;
  attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_wharfd_services_attach_v1_AttachRequest, _wharfd_services_attach_v1_AttachResponse__Output>;
  attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_wharfd_services_attach_v1_AttachRequest, _wharfd_services_attach_v1_AttachResponse__Output>;
  
}

export interface AttachServiceHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleBidiStreamingCall<_wharfd_services_attach_v1_AttachRequest__Output, _wharfd_services_attach_v1_AttachResponse>;
  
}

export interface AttachServiceDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_wharfd_services_attach_v1_AttachRequest, _wharfd_services_attach_v1_AttachResponse, _wharfd_services_attach_v1_AttachRequest__Output, _wharfd_services_attach_v1_AttachResponse__Output>
}
