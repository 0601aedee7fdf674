// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface HealthChanged {
  'container_id'?: (string);
  'status'?: (string);
}

export interface HealthChanged__Output {
  'container_id': (string);
  'status': (string);
}
