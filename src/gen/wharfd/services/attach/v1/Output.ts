// Original file: proto/wharfd/services/attach/v1/attach.proto

import type { OutputStream as _wharfd_services_attach_v1_OutputStream, OutputStream__Output as _wharfd_services_attach_v1_OutputStream__Output } from '../../../../wharfd/services/attach/v1/OutputStream.js';

export interface Output {
  'stream'?: (_wharfd_services_attach_v1_OutputStream);
  'data'?: (Buffer | Uint8Array | string);
}

export interface Output__Output {
  'stream': (_wharfd_services_attach_v1_OutputStream__Output);
  'data': (Buffer);
}
