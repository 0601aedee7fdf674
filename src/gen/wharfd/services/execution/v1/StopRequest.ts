// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface StopRequest {
  'id'?: (string);
  'timeout'?: (number);
  'signal'?: (string);
  '_timeout'?: "timeout";
}

export interface StopRequest__Output {
  'id': (string);
  'timeout'?: (number);
  'signal': (string);
  '_timeout'?: "timeout";
}
