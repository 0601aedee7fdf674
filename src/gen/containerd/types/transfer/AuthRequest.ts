// Original file: proto/containerd/types/transfer/registry.proto


export interface AuthRequest {
  'host'?: (string);
  'reference'?: (string);
  'wwwauthenticate'?: (string)[];
}

export interface AuthRequest__Output {
  'host': (string);
  'reference': (string);
  'wwwauthenticate': (string)[];
}
