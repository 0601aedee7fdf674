// Original file: proto/wharfd/services/images/v1/images.proto


export interface RemoveRequest {
  'name'?: (string);
  'force'?: (boolean);
  'sync'?: (boolean);
}

export interface RemoveRequest__Output {
  'name': (string);
  'force': (boolean);
  'sync': (boolean);
}
