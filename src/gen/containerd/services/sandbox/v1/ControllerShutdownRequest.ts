// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerShutdownRequest {
  'sandbox_id'?: (string);
  'sandboxer'?: (string);
}

export interface ControllerShutdownRequest__Output {
  'sandbox_id': (string);
  'sandboxer': (string);
}
