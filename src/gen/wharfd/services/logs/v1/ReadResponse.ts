// Original file: proto/wharfd/services/logs/v1/logs.proto

import type { Record as _wharfd_services_logs_v1_Record, Record__Output as _wharfd_services_logs_v1_Record__Output } from '../../../../wharfd/services/logs/v1/Record.js';

export interface ReadResponse {
  'records'?: (_wharfd_services_logs_v1_Record)[];
}

export interface ReadResponse__Output {
  'records': (_wharfd_services_logs_v1_Record__Output)[];
}
