// Original file: proto/wharfd/services/changes/v1/changes.proto


export interface DiffRequest {
  'id'?: (string);
}

export interface DiffRequest__Output {
  'id': (string);
}
