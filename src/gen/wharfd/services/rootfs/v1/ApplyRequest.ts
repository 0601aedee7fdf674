// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface ApplyRequest {
  'directory'?: (string);
  'data'?: (Buffer | Uint8Array | string);
  'message'?: "directory"|"data";
}

export interface ApplyRequest__Output {
  'directory'?: (string);
  'data'?: (Buffer);
  'message'?: "directory"|"data";
}
