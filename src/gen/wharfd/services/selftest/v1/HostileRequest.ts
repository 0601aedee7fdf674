// Original file: proto/wharfd/services/selftest/v1/selftest.proto


export interface HostileRequest {
}

export interface HostileRequest__Output {
}
