// Original file: proto/wharfd/services/volumes/v1/volumes.proto


export interface ListRequest {
}

export interface ListRequest__Output {
}
