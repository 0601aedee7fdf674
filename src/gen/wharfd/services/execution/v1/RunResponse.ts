// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface RunResponse {
  'id'?: (string);
  'pid'?: (number);
  'spec'?: (Buffer | Uint8Array | string);
  'warnings'?: (string)[];
}

export interface RunResponse__Output {
  'id': (string);
  'pid': (number);
  'spec': (Buffer);
  'warnings': (string)[];
}
