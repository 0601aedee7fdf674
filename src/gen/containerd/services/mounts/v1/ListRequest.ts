// Original file: proto/containerd/services/mounts/v1/mounts.proto


export interface ListRequest {
  'filters'?: (string)[];
}

export interface ListRequest__Output {
  'filters': (string)[];
}
