// Original file: proto/containerd/events/content.proto

import type { Long } from '@grpc/proto-loader';

export interface ContentCreate {
  'digest'?: (string);
  'size'?: (number | string | Long);
  'mediaType'?: (string);
}

export interface ContentCreate__Output {
  'digest': (string);
  'size': (string);
  'mediaType': (string);
}
