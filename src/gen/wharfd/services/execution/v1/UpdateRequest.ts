// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { Resources as _wharfd_services_execution_v1_Resources, Resources__Output as _wharfd_services_execution_v1_Resources__Output } from '../../../../wharfd/services/execution/v1/Resources.js';

export interface UpdateRequest {
  'id'?: (string);
  'resources'?: (_wharfd_services_execution_v1_Resources | null);
}

export interface UpdateRequest__Output {
  'id': (string);
  'resources': (_wharfd_services_execution_v1_Resources__Output | null);
}
