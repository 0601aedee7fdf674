// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface RenameResponse {
}

export interface RenameResponse__Output {
}
