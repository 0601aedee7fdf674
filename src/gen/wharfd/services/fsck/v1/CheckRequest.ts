// Original file: proto/wharfd/services/fsck/v1/fsck.proto


export interface CheckRequest {
  'repair'?: (boolean);
}

export interface CheckRequest__Output {
  'repair': (boolean);
}
