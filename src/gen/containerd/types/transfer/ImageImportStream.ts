// Original file: proto/containerd/types/transfer/importexport.proto


export interface ImageImportStream {
  'stream'?: (string);
  'media_type'?: (string);
  'force_compress'?: (boolean);
}

export interface ImageImportStream__Output {
  'stream': (string);
  'media_type': (string);
  'force_compress': (boolean);
}
