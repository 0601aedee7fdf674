// Original file: proto/containerd/services/streaming/v1/streaming.proto


export interface StreamInit {
  'id'?: (string);
}

export interface StreamInit__Output {
  'id': (string);
}
