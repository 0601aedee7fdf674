// Original file: proto/containerd/types/transfer/streaming.proto


export interface ReadStream {
  'stream'?: (string);
  'media_type'?: (string);
}

export interface ReadStream__Output {
  'stream': (string);
  'media_type': (string);
}
