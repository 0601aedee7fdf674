// Original file: proto/wharfd/services/attach/v1/attach.proto


export interface StdinClose {
}

export interface StdinClose__Output {
}
