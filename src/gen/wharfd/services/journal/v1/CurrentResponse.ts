// Original file: proto/wharfd/services/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface CurrentResponse {
  'oldest'?: (number | string | Long);
  'newest'?: (number | string | Long);
}

export interface CurrentResponse__Output {
  'oldest': (string);
  'newest': (string);
}
