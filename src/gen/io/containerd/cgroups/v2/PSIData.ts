// Original file: proto/io/containerd/cgroups/v2/metrics.proto

import type { Long } from '@grpc/proto-loader';

export interface PSIData {
  'avg10'?: (number | string);
  'avg60'?: (number | string);
  'avg300'?: (number | string);
  'total'?: (number | string | Long);
}

export interface PSIData__Output {
  'avg10': (number);
  'avg60': (number);
  'avg300': (number);
  'total': (string);
}
