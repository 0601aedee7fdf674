// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface RenameRequest {
  'id'?: (string);
  'new_id'?: (string);
}

export interface RenameRequest__Output {
  'id': (string);
  'new_id': (string);
}
