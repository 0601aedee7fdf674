// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Long } from '@grpc/proto-loader';

export interface Amount {
  'count'?: (number | string | Long);
  'size'?: (number | string | Long);
}

export interface Amount__Output {
  'count': (string);
  'size': (string);
}
