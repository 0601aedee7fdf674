// Original file: proto/wharfd/services/journal/v1/journal.proto


export interface CurrentRequest {
}

export interface CurrentRequest__Output {
}
