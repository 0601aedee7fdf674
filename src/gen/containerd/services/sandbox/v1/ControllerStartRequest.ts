// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerStartRequest {
  'sandbox_id'?: (string);
  'sandboxer'?: (string);
}

export interface ControllerStartRequest__Output {
  'sandbox_id': (string);
  'sandboxer': (string);
}
