// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { HealthProbe as _wharfd_services_execution_v1_HealthProbe, HealthProbe__Output as _wharfd_services_execution_v1_HealthProbe__Output } from '../../../../wharfd/services/execution/v1/HealthProbe.js';

export interface Health {
  'status'?: (string);
  'failing_streak'?: (number);
  'probes'?: (_wharfd_services_execution_v1_HealthProbe)[];
}

export interface Health__Output {
  'status': (string);
  'failing_streak': (number);
  'probes': (_wharfd_services_execution_v1_HealthProbe__Output)[];
}
