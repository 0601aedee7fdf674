// Original file: proto/wharfd/types/transfer/v1/transfer.proto

import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../../containerd/types/Platform.js';

export interface ContentStore {
  'platforms'?: (_containerd_types_Platform)[];
}

export interface ContentStore__Output {
  'platforms': (_containerd_types_Platform__Output)[];
}
