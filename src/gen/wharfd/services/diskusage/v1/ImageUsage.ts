// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Long } from '@grpc/proto-loader';

export interface ImageUsage {
  'name'?: (string);
  'packed'?: (number | string | Long);
  'unpacked'?: (number | string | Long);
  'shared'?: (number | string | Long);
  'unique'?: (number | string | Long);
  'reclaimable'?: (number | string | Long);
  'containers'?: (string)[];
}

export interface ImageUsage__Output {
  'name': (string);
  'packed': (string);
  'unpacked': (string);
  'shared': (string);
  'unique': (string);
  'reclaimable': (string);
  'containers': (string)[];
}
