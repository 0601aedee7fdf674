// Original file: proto/wharfd/services/changes/v1/changes.proto


export interface CompareRequest {
  'left'?: (string);
  'right'?: (string);
  'snapshotter'?: (string);
}

export interface CompareRequest__Output {
  'left': (string);
  'right': (string);
  'snapshotter': (string);
}
