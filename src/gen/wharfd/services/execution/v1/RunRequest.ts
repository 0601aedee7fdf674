// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.js';
import type { ProcessOptions as _wharfd_services_execution_v1_ProcessOptions, ProcessOptions__Output as _wharfd_services_execution_v1_ProcessOptions__Output } from '../../../../wharfd/services/execution/v1/ProcessOptions.js';
import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from '../../../../containerd/types/Mount.js';

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
}
