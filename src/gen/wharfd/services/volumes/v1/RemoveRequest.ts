// Original file: proto/wharfd/services/volumes/v1/volumes.proto


export interface RemoveRequest {
  'name'?: (string);
}

export interface RemoveRequest__Output {
  'name': (string);
}
