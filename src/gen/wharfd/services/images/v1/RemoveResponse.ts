// Original file: proto/wharfd/services/images/v1/images.proto


export interface RemoveResponse {
}

export interface RemoveResponse__Output {
}
