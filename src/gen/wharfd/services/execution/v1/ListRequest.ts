// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface ListRequest {
  'filters'?: (string)[];
}

export interface ListRequest__Output {
  'filters': (string)[];
}
