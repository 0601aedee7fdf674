// Original file: proto/wharfd/services/remotes/v1/remotes.proto


export interface AuthenticateResponse {
}

export interface AuthenticateResponse__Output {
}
