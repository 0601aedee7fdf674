// Original file: proto/wharfd/services/fsck/v1/fsck.proto

import type { Long } from '@grpc/proto-loader';

export interface Summary {
  'blobs'?: (number | string | Long);
  'layers'?: (number | string | Long);
  'unchecked_layers'?: (number | string | Long);
  'problems'?: (number | string | Long);
  'repaired'?: (number | string | Long);
}

export interface Summary__Output {
  'blobs': (string);
  'layers': (string);
  'unchecked_layers': (string);
  'problems': (string);
  'repaired': (string);
}
