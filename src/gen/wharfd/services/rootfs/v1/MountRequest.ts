// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface MountRequest {
  'image'?: (string);
  'directory'?: (string);
  'writable'?: (boolean);
  'snapshotter'?: (string);
}

export interface MountRequest__Output {
  'image': (string);
  'directory': (string);
  'writable': (boolean);
  'snapshotter': (string);
}
