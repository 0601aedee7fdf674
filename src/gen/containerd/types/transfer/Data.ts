// Original file: proto/containerd/types/transfer/streaming.proto


export interface Data {
  'data'?: (Buffer | Uint8Array | string);
}

export interface Data__Output {
  'data': (Buffer);
}
