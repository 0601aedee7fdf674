// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto


export interface Object {
  'kind'?: (string);
  'namespace'?: (string);
  'key'?: (string);
  'snapshotter'?: (string);
}

export interface Object__Output {
  'kind': (string);
  'namespace': (string);
  'key': (string);
  'snapshotter': (string);
}
