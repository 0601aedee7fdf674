// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerStatusRequest {
  'sandbox_id'?: (string);
  'verbose'?: (boolean);
  'sandboxer'?: (string);
}

export interface ControllerStatusRequest__Output {
  'sandbox_id': (string);
  'verbose': (boolean);
  'sandboxer': (string);
}
