// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface PrepareRequest {
  'key'?: (string);
  'chain_id'?: (string);
  'snapshotter'?: (string);
  'readonly'?: (boolean);
  'labels'?: ({[key: string]: string});
}

export interface PrepareRequest__Output {
  'key': (string);
  'chain_id': (string);
  'snapshotter': (string);
  'readonly': (boolean);
  'labels': ({[key: string]: string});
}
