// Original file: proto/containerd/types/transfer/streaming.proto


export interface WindowUpdate {
  'update'?: (number);
}

export interface WindowUpdate__Output {
  'update': (number);
}
