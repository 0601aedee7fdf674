// Original file: proto/wharfd/services/copy/v1/copy.proto


export interface ReadRequest {
  'id'?: (string);
  'path'?: (string);
  'follow_link'?: (boolean);
}

export interface ReadRequest__Output {
  'id': (string);
  'path': (string);
  'follow_link': (boolean);
}
