// Original file: proto/wharfd/services/volumes/v1/volumes.proto


export interface RemoveResponse {
}

export interface RemoveResponse__Output {
}
