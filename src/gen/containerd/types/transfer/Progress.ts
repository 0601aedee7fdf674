// Original file: proto/containerd/types/transfer/progress.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../containerd/types/Descriptor.js';
import type { Long } from '@grpc/proto-loader';

export interface Progress {
  'event'?: (string);
  'name'?: (string);
  'parents'?: (string)[];
  'progress'?: (number | string | Long);
  'total'?: (number | string | Long);
  'desc'?: (_containerd_types_Descriptor | null);
}

export interface Progress__Output {
  'event': (string);
  'name': (string);
  'parents': (string)[];
  'progress': (string);
  'total': (string);
  'desc': (_containerd_types_Descriptor__Output | null);
}
