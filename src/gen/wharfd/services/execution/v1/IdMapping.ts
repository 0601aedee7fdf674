// Original file: proto/wharfd/services/execution/v1/spec_options.proto


export interface IdMapping {
  'container_id'?: (number);
  'host_id'?: (number);
  'size'?: (number);
}

export interface IdMapping__Output {
  'container_id': (number);
  'host_id': (number);
  'size': (number);
}
