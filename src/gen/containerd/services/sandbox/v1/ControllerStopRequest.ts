// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerStopRequest {
  'sandbox_id'?: (string);
  'timeout_secs'?: (number);
  'sandboxer'?: (string);
}

export interface ControllerStopRequest__Output {
  'sandbox_id': (string);
  'timeout_secs': (number);
  'sandboxer': (string);
}
