// Original file: proto/containerd/services/mounts/v1/mounts.proto

import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from '../../../../containerd/types/Mount.js';

export interface ActivateRequest {
  'name'?: (string);
  'mounts'?: (_containerd_types_Mount)[];
  'labels'?: ({[key: string]: string});
  'temporary'?: (boolean);
}

export interface ActivateRequest__Output {
  'name': (string);
  'mounts': (_containerd_types_Mount__Output)[];
  'labels': ({[key: string]: string});
  'temporary': (boolean);
}
