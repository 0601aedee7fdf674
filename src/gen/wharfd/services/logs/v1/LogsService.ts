// Original file: proto/wharfd/services/logs/v1/logs.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { ReadRequest as _wharfd_services_logs_v1_ReadRequest, ReadRequest__Output as _wharfd_services_logs_v1_ReadRequest__Output } from '../../../../wharfd/services/logs/v1/ReadRequest.js';
import type { ReadResponse as _wharfd_services_logs_v1_ReadResponse, ReadResponse__Output as _wharfd_services_logs_v1_ReadResponse__Output } from '../../../../wharfd/services/logs/v1/ReadResponse.js';

export interface LogsServiceDefinition {
  Read: MethodDefinition<_wharfd_services_logs_v1_ReadRequest, _wharfd_services_logs_v1_ReadResponse, _wharfd_services_logs_v1_ReadRequest__Output, _wharfd_services_logs_v1_ReadResponse__Output>
}
