// Original file: proto/wharfd/services/execution/v1/spec_options.proto

import type { Resources as _wharfd_services_execution_v1_Resources, Resources__Output as _wharfd_services_execution_v1_Resources__Output } from '../../../../wharfd/services/execution/v1/Resources.js';
import type { IdMapping as _wharfd_services_execution_v1_IdMapping, IdMapping__Output as _wharfd_services_execution_v1_IdMapping__Output } from '../../../../wharfd/services/execution/v1/IdMapping.js';

export interface SpecOptions {
  'cap_add'?: (string)[];
  'cap_drop'?: (string)[];
  'seccomp'?: (string);
  'apparmor'?: (string);
  'privileged'?: (boolean);
  'allow_new_privileges'?: (boolean);
  'devices'?: (string)[];
  'ulimits'?: (string)[];
  'sysctls'?: ({[key: string]: string});
  'resources'?: (_wharfd_services_execution_v1_Resources | null);
  'cgroup_parent'?: (string);
  'namespaces'?: ({[key: string]: string});
  'uid_mappings'?: (_wharfd_services_execution_v1_IdMapping)[];
  'gid_mappings'?: (_wharfd_services_execution_v1_IdMapping)[];
  'oom_score_adj'?: (number);
  'annotations'?: ({[key: string]: string});
  'groups'?: (string)[];
  'cdi_devices'?: (string)[];
  'init'?: (boolean);
  '_oom_score_adj'?: "oom_score_adj";
}

export interface SpecOptions__Output {
  'cap_add': (string)[];
  'cap_drop': (string)[];
  'seccomp': (string);
  'apparmor': (string);
  'privileged': (boolean);
  'allow_new_privileges': (boolean);
  'devices': (string)[];
  'ulimits': (string)[];
  'sysctls': ({[key: string]: string});
  'resources': (_wharfd_services_execution_v1_Resources__Output | null);
  'cgroup_parent': (string);
  'namespaces': ({[key: string]: string});
  'uid_mappings': (_wharfd_services_execution_v1_IdMapping__Output)[];
  'gid_mappings': (_wharfd_services_execution_v1_IdMapping__Output)[];
  'oom_score_adj'?: (number);
  'annotations': ({[key: string]: string});
  'groups': (string)[];
  'cdi_devices': (string)[];
  'init': (boolean);
  '_oom_score_adj'?: "oom_score_adj";
}
