// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { RunResponse as _wharfd_services_execution_v1_RunResponse, RunResponse__Output as _wharfd_services_execution_v1_RunResponse__Output } from '../../../../wharfd/services/execution/v1/RunResponse.js';

export interface RunOwnedResponse {
  'run'?: (_wharfd_services_execution_v1_RunResponse | null);
}

export interface RunOwnedResponse__Output {
  'run': (_wharfd_services_execution_v1_RunResponse__Output | null);
}
