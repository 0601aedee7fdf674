// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface ProcessOptions {
  'args'?: (string)[];
  'replace_entrypoint'?: (boolean);
  'env'?: (string)[];
  'cwd'?: (string);
  'user'?: (string);
  'terminal'?: (boolean);
  'hostname'?: (string);
}

export interface ProcessOptions__Output {
  'args': (string)[];
  'replace_entrypoint': (boolean);
  'env': (string)[];
  'cwd': (string);
  'user': (string);
  'terminal': (boolean);
  'hostname': (string);
}
