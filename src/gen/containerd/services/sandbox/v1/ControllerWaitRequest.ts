// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerWaitRequest {
  'sandbox_id'?: (string);
  'sandboxer'?: (string);
}

export interface ControllerWaitRequest__Output {
  'sandbox_id': (string);
  'sandboxer': (string);
}
