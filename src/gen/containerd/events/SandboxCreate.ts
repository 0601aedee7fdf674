// Original file: proto/containerd/events/sandbox.proto


export interface SandboxCreate {
  'sandbox_id'?: (string);
}

export interface SandboxCreate__Output {
  'sandbox_id': (string);
}
