// Original file: proto/containerd/services/namespaces/v1/namespaces.proto


export interface ListNamespacesRequest {
  'filter'?: (string);
}

export interface ListNamespacesRequest__Output {
  'filter': (string);
}
