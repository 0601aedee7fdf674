// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerCreateResponse {
  'sandbox_id'?: (string);
}

export interface ControllerCreateResponse__Output {
  'sandbox_id': (string);
}
