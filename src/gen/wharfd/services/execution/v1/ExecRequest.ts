// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { ProcessOptions as _wharfd_services_execution_v1_ProcessOptions, ProcessOptions__Output as _wharfd_services_execution_v1_ProcessOptions__Output } from '../../../../wharfd/services/execution/v1/ProcessOptions.js';

export interface ExecRequest {
  'id'?: (string);
  'exec_id'?: (string);
  'process'?: (_wharfd_services_execution_v1_ProcessOptions | null);
  'attach'?: (boolean);
  'stdin'?: (boolean);
}

export interface ExecRequest__Output {
  'id': (string);
  'exec_id': (string);
  'process': (_wharfd_services_execution_v1_ProcessOptions__Output | null);
  'attach': (boolean);
  'stdin': (boolean);
}
