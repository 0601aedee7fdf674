// Original file: proto/wharfd/services/copy/v1/copy.proto


export interface ReadEntry {
  'name'?: (string);
  'directory'?: (boolean);
}

export interface ReadEntry__Output {
  'name': (string);
  'directory': (boolean);
}
