// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Object as _wharfd_services_diskusage_v1_Object, Object__Output as _wharfd_services_diskusage_v1_Object__Output } from '../../../../wharfd/services/diskusage/v1/Object.js';

export interface RemovedObjects {
  'objects'?: (_wharfd_services_diskusage_v1_Object)[];
}

export interface RemovedObjects__Output {
  'objects': (_wharfd_services_diskusage_v1_Object__Output)[];
}
