// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface StartResponse {
  'pid'?: (number);
}

export interface StartResponse__Output {
  'pid': (number);
}
