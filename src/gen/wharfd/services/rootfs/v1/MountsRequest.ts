// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface MountsRequest {
  'key'?: (string);
  'snapshotter'?: (string);
}

export interface MountsRequest__Output {
  'key': (string);
  'snapshotter': (string);
}
