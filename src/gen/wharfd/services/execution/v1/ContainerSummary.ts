// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { ContainerStatus as _wharfd_services_execution_v1_ContainerStatus, ContainerStatus__Output as _wharfd_services_execution_v1_ContainerStatus__Output } from '../../../../wharfd/services/execution/v1/ContainerStatus.js';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';
import type { Health as _wharfd_services_execution_v1_Health, Health__Output as _wharfd_services_execution_v1_Health__Output } from '../../../../wharfd/services/execution/v1/Health.js';

export interface ContainerSummary {
  'id'?: (string);
  'image'?: (string);
  'pid'?: (number);
  'status'?: (_wharfd_services_execution_v1_ContainerStatus);
  'exit_status'?: (number);
  'exited_at'?: (_google_protobuf_Timestamp | null);
  'created_at'?: (_google_protobuf_Timestamp | null);
  'labels'?: ({[key: string]: string});
  'exit_unknown'?: (string);
  'health'?: (_wharfd_services_execution_v1_Health | null);
  '_exit_status'?: "exit_status";
}

export interface ContainerSummary__Output {
  'id': (string);
  'image': (string);
  'pid': (number);
  'status': (_wharfd_services_execution_v1_ContainerStatus__Output);
  'exit_status'?: (number);
  'exited_at': (_google_protobuf_Timestamp__Output | null);
  'created_at': (_google_protobuf_Timestamp__Output | null);
  'labels': ({[key: string]: string});
  'exit_unknown': (string);
  'health': (_wharfd_services_execution_v1_Health__Output | null);
  '_exit_status'?: "exit_status";
}
