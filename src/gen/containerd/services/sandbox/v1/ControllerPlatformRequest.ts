// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerPlatformRequest {
  'sandbox_id'?: (string);
  'sandboxer'?: (string);
}

export interface ControllerPlatformRequest__Output {
  'sandbox_id': (string);
  'sandboxer': (string);
}
