// Original file: proto/wharfd/services/attach/v1/attach.proto


export interface Attached {
  'terminal'?: (boolean);
}

export interface Attached__Output {
  'terminal': (boolean);
}
