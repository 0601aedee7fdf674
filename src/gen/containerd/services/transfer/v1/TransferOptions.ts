// Original file: proto/containerd/services/transfer/v1/transfer.proto


export interface TransferOptions {
  'progress_stream'?: (string);
}

export interface TransferOptions__Output {
  'progress_stream': (string);
}
