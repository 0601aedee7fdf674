// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { RunRequest as _wharfd_services_execution_v1_RunRequest, RunRequest__Output as _wharfd_services_execution_v1_RunRequest__Output } from '../../../../wharfd/services/execution/v1/RunRequest.js';

export interface RunOwnedRequest {
  'run'?: (_wharfd_services_execution_v1_RunRequest | null);
}

export interface RunOwnedRequest__Output {
  'run': (_wharfd_services_execution_v1_RunRequest__Output | null);
}
