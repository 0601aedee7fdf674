// Original file: proto/containerd/services/transfer/v1/transfer.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.js';
import type { TransferOptions as _containerd_services_transfer_v1_TransferOptions, TransferOptions__Output as _containerd_services_transfer_v1_TransferOptions__Output } from '../../../../containerd/services/transfer/v1/TransferOptions.js';

export interface TransferRequest {
  'source'?: (_google_protobuf_Any | null);
  'destination'?: (_google_protobuf_Any | null);
  'options'?: (_containerd_services_transfer_v1_TransferOptions | null);
}

export interface TransferRequest__Output {
  'source': (_google_protobuf_Any__Output | null);
  'destination': (_google_protobuf_Any__Output | null);
  'options': (_containerd_services_transfer_v1_TransferOptions__Output | null);
}
