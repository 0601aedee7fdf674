// Original file: proto/containerd/services/sandbox/v1/sandbox.proto

import type { Sandbox as _containerd_types_Sandbox, Sandbox__Output as _containerd_types_Sandbox__Output } from '../../../../containerd/types/Sandbox.js';

export interface ControllerUpdateRequest {
  'sandbox_id'?: (string);
  'sandboxer'?: (string);
  'sandbox'?: (_containerd_types_Sandbox | null);
  'fields'?: (string)[];
}

export interface ControllerUpdateRequest__Output {
  'sandbox_id': (string);
  'sandboxer': (string);
  'sandbox': (_containerd_types_Sandbox__Output | null);
  'fields': (string)[];
}
