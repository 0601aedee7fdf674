// Original file: proto/wharfd/services/attach/v1/attach.proto

import type { AttachStart as _wharfd_services_attach_v1_AttachStart, AttachStart__Output as _wharfd_services_attach_v1_AttachStart__Output } from '../../../../wharfd/services/attach/v1/AttachStart.js';
import type { StdinClose as _wharfd_services_attach_v1_StdinClose, StdinClose__Output as _wharfd_services_attach_v1_StdinClose__Output } from '../../../../wharfd/services/attach/v1/StdinClose.js';
import type { TerminalSize as _wharfd_services_attach_v1_TerminalSize, TerminalSize__Output as _wharfd_services_attach_v1_TerminalSize__Output } from '../../../../wharfd/services/attach/v1/TerminalSize.js';

export interface AttachRequest {
  'start'?: (_wharfd_services_attach_v1_AttachStart | null);
  'stdin'?: (Buffer | Uint8Array | string);
  'stdin_close'?: (_wharfd_services_attach_v1_StdinClose | null);
  'resize'?: (_wharfd_services_attach_v1_TerminalSize | null);
  'message'?: "start"|"stdin"|"stdin_close"|"resize";
}

export interface AttachRequest__Output {
  'start'?: (_wharfd_services_attach_v1_AttachStart__Output | null);
  'stdin'?: (Buffer);
  'stdin_close'?: (_wharfd_services_attach_v1_StdinClose__Output | null);
  'resize'?: (_wharfd_services_attach_v1_TerminalSize__Output | null);
  'message'?: "start"|"stdin"|"stdin_close"|"resize";
}
