// Original file: proto/containerd/services/sandbox/v1/sandbox.proto


export interface ControllerMetricsRequest {
  'sandbox_id'?: (string);
  'sandboxer'?: (string);
}

export interface ControllerMetricsRequest__Output {
  'sandbox_id': (string);
  'sandboxer': (string);
}
