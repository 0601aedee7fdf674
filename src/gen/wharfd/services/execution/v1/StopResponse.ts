// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface StopResponse {
  'exit_status'?: (number);
}

export interface StopResponse__Output {
  'exit_status': (number);
}
