// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface RemoveRequest {
  'id'?: (string);
  'force'?: (boolean);
}

export interface RemoveRequest__Output {
  'id': (string);
  'force': (boolean);
}
