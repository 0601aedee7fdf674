// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface ExecResponse {
  'exec_id'?: (string);
  'pid'?: (number);
}

export interface ExecResponse__Output {
  'exec_id': (string);
  'pid': (number);
}
