// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface UnmountRequest {
  'directory'?: (string);
}

export interface UnmountRequest__Output {
  'directory': (string);
}
