// Original file: proto/containerd/task/v2/task.proto


export interface ProcessRequest {
  'id'?: (string);
  'exec_id'?: (string);
}

export interface ProcessRequest__Output {
  'id': (string);
  'exec_id': (string);
}
