// Original file: proto/containerd/services/transfer/v1/transfer.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.js';
import type { TransferRequest as _containerd_services_transfer_v1_TransferRequest, TransferRequest__Output as _containerd_services_transfer_v1_TransferRequest__Output } from '../../../../containerd/services/transfer/v1/TransferRequest.js';

export interface TransferDefinition {
  Transfer: MethodDefinition<_containerd_services_transfer_v1_TransferRequest, _google_protobuf_Empty, _containerd_services_transfer_v1_TransferRequest__Output, _google_protobuf_Empty__Output>
}
