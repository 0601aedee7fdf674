// Original file: proto/containerd/services/mounts/v1/mounts.proto


export interface DeactivateRequest {
  'name'?: (string);
}

export interface DeactivateRequest__Output {
  'name': (string);
}
