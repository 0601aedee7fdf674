// Original file: proto/wharfd/services/copy/v1/copy.proto


export interface WriteResponse {
}

export interface WriteResponse__Output {
}
