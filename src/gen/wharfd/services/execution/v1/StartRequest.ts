// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface StartRequest {
  'id'?: (string);
}

export interface StartRequest__Output {
  'id': (string);
}
