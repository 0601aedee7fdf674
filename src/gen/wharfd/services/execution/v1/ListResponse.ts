// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { ContainerSummary as _wharfd_services_execution_v1_ContainerSummary, ContainerSummary__Output as _wharfd_services_execution_v1_ContainerSummary__Output } from '../../../../wharfd/services/execution/v1/ContainerSummary.js';

export interface ListResponse {
  'containers'?: (_wharfd_services_execution_v1_ContainerSummary)[];
}

export interface ListResponse__Output {
  'containers': (_wharfd_services_execution_v1_ContainerSummary__Output)[];
}
