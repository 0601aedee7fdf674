// Original file: proto/wharfd/services/changes/v1/changes.proto


export interface ForkRequest {
  'id'?: (string);
  'new_id'?: (string);
}

export interface ForkRequest__Output {
  'id': (string);
  'new_id': (string);
}
