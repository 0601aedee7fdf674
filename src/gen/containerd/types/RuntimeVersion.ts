// Original file: proto/containerd/types/introspection.proto


export interface RuntimeVersion {
  'version'?: (string);
  'revision'?: (string);
}

export interface RuntimeVersion__Output {
  'version': (string);
  'revision': (string);
}
