// Original file: proto/wharfd/services/rootfs/v1/rootfs.proto

import type { Long } from '@grpc/proto-loader';

export interface ApplyResponse {
  'diff_id'?: (string);
  'size'?: (number | string | Long);
  'entries'?: (number | string | Long);
}

export interface ApplyResponse__Output {
  'diff_id': (string);
  'size': (string);
  'entries': (string);
}
