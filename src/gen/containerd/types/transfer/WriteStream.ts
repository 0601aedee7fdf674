// Original file: proto/containerd/types/transfer/streaming.proto


export interface WriteStream {
  'stream'?: (string);
  'media_type'?: (string);
}

export interface WriteStream__Output {
  'stream': (string);
  'media_type': (string);
}
