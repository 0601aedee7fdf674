// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface RemoveRequest {
  'key'?: (string);
  'snapshotter'?: (string);
  'sync'?: (boolean);
}

export interface RemoveRequest__Output {
  'key': (string);
  'snapshotter': (string);
  'sync': (boolean);
}
