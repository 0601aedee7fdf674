// Original file: proto/containerd/task/v2/task.proto

import type { Status as _containerd_v1_types_Status, Status__Output as _containerd_v1_types_Status__Output } from '../../../containerd/v1/types/Status.js';

export interface StateResponse {
  'id'?: (string);
  'bundle'?: (string);
  'pid'?: (number);
  'status'?: (_containerd_v1_types_Status);
}

export interface StateResponse__Output {
  'id': (string);
  'bundle': (string);
  'pid': (number);
  'status': (_containerd_v1_types_Status__Output);
}
