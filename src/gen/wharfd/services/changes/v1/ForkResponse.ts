// Original file: proto/wharfd/services/changes/v1/changes.proto


export interface ForkResponse {
}

export interface ForkResponse__Output {
}
