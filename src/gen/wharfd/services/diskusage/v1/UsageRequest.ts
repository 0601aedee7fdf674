// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto


export interface UsageRequest {
}

export interface UsageRequest__Output {
}
