// Original file: proto/containerd/services/mounts/v1/mounts.proto


export interface InfoRequest {
  'name'?: (string);
}

export interface InfoRequest__Output {
  'name': (string);
}
