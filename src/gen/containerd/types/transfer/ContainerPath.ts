// Original file: proto/containerd/types/transfer/container.proto


export interface ContainerPath {
  'container_id'?: (string);
  'path'?: (string);
  'no_walk'?: (boolean);
  'preserve_ownership'?: (boolean);
}

export interface ContainerPath__Output {
  'container_id': (string);
  'path': (string);
  'no_walk': (boolean);
  'preserve_ownership': (boolean);
}
