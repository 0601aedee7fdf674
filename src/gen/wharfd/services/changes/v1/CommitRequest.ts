// Original file: proto/wharfd/services/changes/v1/changes.proto


export interface CommitRequest {
  'id'?: (string);
  'image'?: (string);
  'author'?: (string);
  'comment'?: (string);
  'running'?: (boolean);
}

export interface CommitRequest__Output {
  'id': (string);
  'image': (string);
  'author': (string);
  'comment': (string);
  'running': (boolean);
}
