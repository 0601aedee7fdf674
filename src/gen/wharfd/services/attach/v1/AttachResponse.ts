// Original file: proto/wharfd/services/attach/v1/attach.proto

import type { Attached as _wharfd_services_attach_v1_Attached, Attached__Output as _wharfd_services_attach_v1_Attached__Output } from '../../../../wharfd/services/attach/v1/Attached.js';
import type { Output as _wharfd_services_attach_v1_Output, Output__Output as _wharfd_services_attach_v1_Output__Output } from '../../../../wharfd/services/attach/v1/Output.js';
import type { Exit as _wharfd_services_attach_v1_Exit, Exit__Output as _wharfd_services_attach_v1_Exit__Output } from '../../../../wharfd/services/attach/v1/Exit.js';

export interface AttachResponse {
  'attached'?: (_wharfd_services_attach_v1_Attached | null);
  'output'?: (_wharfd_services_attach_v1_Output | null);
  'exit'?: (_wharfd_services_attach_v1_Exit | null);
  'message'?: "attached"|"output"|"exit";
}

export interface AttachResponse__Output {
  'attached'?: (_wharfd_services_attach_v1_Attached__Output | null);
  'output'?: (_wharfd_services_attach_v1_Output__Output | null);
  'exit'?: (_wharfd_services_attach_v1_Exit__Output | null);
  'message'?: "attached"|"output"|"exit";
}
