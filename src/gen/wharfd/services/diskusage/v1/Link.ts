// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Object as _wharfd_services_diskusage_v1_Object, Object__Output as _wharfd_services_diskusage_v1_Object__Output } from '../../../../wharfd/services/diskusage/v1/Object.js';

export interface Link {
  'object'?: (_wharfd_services_diskusage_v1_Object | null);
  'relation'?: (string);
}

export interface Link__Output {
  'object': (_wharfd_services_diskusage_v1_Object__Output | null);
  'relation': (string);
}
