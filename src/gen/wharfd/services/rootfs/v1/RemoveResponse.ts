// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface RemoveResponse {
  'kept'?: (boolean);
}

export interface RemoveResponse__Output {
  'kept': (boolean);
}
