// Original file: proto/wharfd/services/attach/v1/attach.proto

import type { TerminalSize as _wharfd_services_attach_v1_TerminalSize, TerminalSize__Output as _wharfd_services_attach_v1_TerminalSize__Output } from '../../../../wharfd/services/attach/v1/TerminalSize.js';

export interface AttachStart {
  'container_id'?: (string);
  'exec_id'?: (string);
  'stdin'?: (boolean);
  'size'?: (_wharfd_services_attach_v1_TerminalSize | null);
  'no_replay'?: (boolean);
  'may_be_cut'?: (boolean);
}

export interface AttachStart__Output {
  'container_id': (string);
  'exec_id': (string);
  'stdin': (boolean);
  'size': (_wharfd_services_attach_v1_TerminalSize__Output | null);
  'no_replay': (boolean);
  'may_be_cut': (boolean);
}
