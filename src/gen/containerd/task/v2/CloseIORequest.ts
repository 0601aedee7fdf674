// Original file: proto/containerd/task/v2/task.proto


export interface CloseIORequest {
  'id'?: (string);
  'exec_id'?: (string);
  'stdin'?: (boolean);
}

export interface CloseIORequest__Output {
  'id': (string);
  'exec_id': (string);
  'stdin': (boolean);
}
