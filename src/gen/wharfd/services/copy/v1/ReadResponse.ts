// Original file: proto/wharfd/services/copy/v1/copy.proto

import type { ReadEntry as _wharfd_services_copy_v1_ReadEntry, ReadEntry__Output as _wharfd_services_copy_v1_ReadEntry__Output } from '../../../../wharfd/services/copy/v1/ReadEntry.js';

export interface ReadResponse {
  'entry'?: (_wharfd_services_copy_v1_ReadEntry | null);
  'data'?: (Buffer | Uint8Array | string);
  'message'?: "entry"|"data";
}

export interface ReadResponse__Output {
  'entry'?: (_wharfd_services_copy_v1_ReadEntry__Output | null);
  'data'?: (Buffer);
  'message'?: "entry"|"data";
}
