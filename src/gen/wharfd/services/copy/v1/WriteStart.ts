// Original file: proto/wharfd/services/copy/v1/copy.proto


export interface WriteStart {
  'id'?: (string);
  'path'?: (string);
  'name'?: (string);
  'directory'?: (boolean);
  'contents'?: (boolean);
  'archive'?: (boolean);
  'keep_owner'?: (boolean);
}

export interface WriteStart__Output {
  'id': (string);
  'path': (string);
  'name': (string);
  'directory': (boolean);
  'contents': (boolean);
  'archive': (boolean);
  'keep_owner': (boolean);
}
