// Original file: proto/wharfd/services/fsck/v1/fsck.proto

import type { Long } from '@grpc/proto-loader';

export interface Finding {
  'kind'?: (string);
  'name'?: (string);
  'namespaces'?: (string)[];
  'snapshotter'?: (string);
  'problem'?: (string);
  'paths'?: (string)[];
  'path_count'?: (number | string | Long);
  'repaired'?: (boolean);
  'reason'?: (string);
}

export interface Finding__Output {
  'kind': (string);
  'name': (string);
  'namespaces': (string)[];
  'snapshotter': (string);
  'problem': (string);
  'paths': (string)[];
  'path_count': (string);
  'repaired': (boolean);
  'reason': (string);
}
