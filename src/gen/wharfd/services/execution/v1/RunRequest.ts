// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.js';
import type { ProcessOptions as _wharfd_services_execution_v1_ProcessOptions, ProcessOptions__Output as _wharfd_services_execution_v1_ProcessOptions__Output } from '../../../../wharfd/services/execution/v1/ProcessOptions.js';
import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from '../../../../containerd/types/Mount.js';
import type { SpecOptions as _wharfd_services_execution_v1_SpecOptions, SpecOptions__Output as _wharfd_services_execution_v1_SpecOptions__Output } from '../../../../wharfd/services/execution/v1/SpecOptions.js';
import type { PortMapping as _wharfd_services_execution_v1_PortMapping, PortMapping__Output as _wharfd_services_execution_v1_PortMapping__Output } from '../../../../wharfd/services/execution/v1/PortMapping.js';
import type { HealthOptions as _wharfd_services_execution_v1_HealthOptions, HealthOptions__Output as _wharfd_services_execution_v1_HealthOptions__Output } from '../../../../wharfd/services/execution/v1/HealthOptions.js';
import type { Long } from '@grpc/proto-loader';

export interface RunRequest {
  'id'?: (string);
  'image'?: (string);
  'snapshotter'?: (string);
  'runtime'?: (string);
  'runtime_options'?: (_google_protobuf_Any | null);
  'spec'?: (_google_protobuf_Any | null);
  'process'?: (_wharfd_services_execution_v1_ProcessOptions | null);
  'labels'?: ({[key: string]: string});
  'remove_on_exit'?: (boolean);
  'attach'?: (boolean);
  'stdin'?: (boolean);
  'host_network'?: (boolean);
  'readonly_rootfs'?: (boolean);
  'mounts'?: (_containerd_types_Mount)[];
  'options'?: (_wharfd_services_execution_v1_SpecOptions | null);
  'rootfs'?: (string);
  'only_spec'?: (boolean);
  'network'?: (string);
  'ports'?: (_wharfd_services_execution_v1_PortMapping)[];
  'create_only'?: (boolean);
  'log_max_size'?: (number | string | Long);
  'log_max_files'?: (number);
  'stop_signal'?: (string);
  'stop_timeout'?: (number);
  'health'?: (_wharfd_services_execution_v1_HealthOptions | null);
  '_stop_timeout'?: "stop_timeout";
}

export interface RunRequest__Output {
  'id': (string);
  'image': (string);
  'snapshotter': (string);
  'runtime': (string);
  'runtime_options': (_google_protobuf_Any__Output | null);
  'spec': (_google_protobuf_Any__Output | null);
  'process': (_wharfd_services_execution_v1_ProcessOptions__Output | null);
  'labels': ({[key: string]: string});
  'remove_on_exit': (boolean);
  'attach': (boolean);
  'stdin': (boolean);
  'host_network': (boolean);
  'readonly_rootfs': (boolean);
  'mounts': (_containerd_types_Mount__Output)[];
  'options': (_wharfd_services_execution_v1_SpecOptions__Output | null);
  'rootfs': (string);
  'only_spec': (boolean);
  'network': (string);
  'ports': (_wharfd_services_execution_v1_PortMapping__Output)[];
  'create_only': (boolean);
  'log_max_size': (string);
  'log_max_files': (number);
  'stop_signal': (string);
  'stop_timeout'?: (number);
  'health': (_wharfd_services_execution_v1_HealthOptions__Output | null);
  '_stop_timeout'?: "stop_timeout";
}
