// Original file: proto/wharfd/services/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadRequest {
  'from'?: (number | string | Long);
  'follow'?: (boolean);
  'filters'?: (string)[];
}

export interface ReadRequest__Output {
  'from': (string);
  'follow': (boolean);
  'filters': (string)[];
}
