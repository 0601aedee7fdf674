// Original file: proto/wharfd/services/copy/v1/copy.proto

import type { WriteStart as _wharfd_services_copy_v1_WriteStart, WriteStart__Output as _wharfd_services_copy_v1_WriteStart__Output } from '../../../../wharfd/services/copy/v1/WriteStart.js';

export interface WriteRequest {
  'start'?: (_wharfd_services_copy_v1_WriteStart | null);
  'data'?: (Buffer | Uint8Array | string);
  'message'?: "start"|"data";
}

export interface WriteRequest__Output {
  'start'?: (_wharfd_services_copy_v1_WriteStart__Output | null);
  'data'?: (Buffer);
  'message'?: "start"|"data";
}
