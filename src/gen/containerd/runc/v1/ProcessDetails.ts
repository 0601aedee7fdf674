// Original file: proto/containerd/runc/v1/options.proto


export interface ProcessDetails {
  'exec_id'?: (string);
}

export interface ProcessDetails__Output {
  'exec_id': (string);
}
