// Original file: proto/wharfd/services/images/v1/images.proto


export interface ListRequest {
  'filters'?: (string)[];
  'snapshotter'?: (string);
}

export interface ListRequest__Output {
  'filters': (string)[];
  'snapshotter': (string);
}
