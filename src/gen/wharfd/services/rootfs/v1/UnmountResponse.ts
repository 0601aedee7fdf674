// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto


export interface UnmountResponse {
}

export interface UnmountResponse__Output {
}
