// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface MountResponse {
  'key'?: (string);
  'snapshotter'?: (string);
}

export interface MountResponse__Output {
  'key': (string);
  'snapshotter': (string);
}
