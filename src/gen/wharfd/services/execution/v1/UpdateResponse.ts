// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface UpdateResponse {
}

export interface UpdateResponse__Output {
}
