// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Long } from '@grpc/proto-loader';

export interface CollectSummary {
  'objects'?: (number | string | Long);
  'files'?: (number | string | Long);
  'layers'?: (number | string | Long);
  'size'?: (number | string | Long);
  'duration_ms'?: (number | string | Long);
}

export interface CollectSummary__Output {
  'objects': (string);
  'files': (string);
  'layers': (string);
  'size': (string);
  'duration_ms': (string);
}
