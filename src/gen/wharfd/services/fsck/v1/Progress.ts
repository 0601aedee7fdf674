// Original file: proto/wharfd/services/fsck/v1/fsck.proto

import type { Long } from '@grpc/proto-loader';

export interface Progress {
  'checked'?: (number | string | Long);
  'total'?: (number | string | Long);
}

export interface Progress__Output {
  'checked': (string);
  'total': (string);
}
