// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface StoreGetRequest {
  'sandbox_id'?: (string);
}

export interface StoreGetRequest__Output {
  'sandbox_id': (string);
}
