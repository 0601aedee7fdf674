// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface ExecAudit {
  'container_id'?: (string);
  'exec_id'?: (string);
  'peer_uid'?: (number);
  'args_sha256'?: (string);
  '_peer_uid'?: "peer_uid";
}

export interface ExecAudit__Output {
  'container_id': (string);
  'exec_id': (string);
  'peer_uid'?: (number);
  'args_sha256': (string);
  '_peer_uid'?: "peer_uid";
}
