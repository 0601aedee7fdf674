// Original file: proto/containerd/events/sandbox.proto


export interface SandboxStart {
  'sandbox_id'?: (string);
}

export interface SandboxStart__Output {
  'sandbox_id': (string);
}
