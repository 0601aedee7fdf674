// Original file: proto/containerd/types/transfer/imagestore.proto


export interface ImageReference {
  'name'?: (string);
  'is_prefix'?: (boolean);
  'allow_overwrite'?: (boolean);
  'add_digest'?: (boolean);
  'skip_named_digest'?: (boolean);
}

export interface ImageReference__Output {
  'name': (string);
  'is_prefix': (boolean);
  'allow_overwrite': (boolean);
  'add_digest': (boolean);
  'skip_named_digest': (boolean);
}
