// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Object as _wharfd_services_diskusage_v1_Object, Object__Output as _wharfd_services_diskusage_v1_Object__Output } from '../../../../wharfd/services/diskusage/v1/Object.js';
import type { Chain as _wharfd_services_diskusage_v1_Chain, Chain__Output as _wharfd_services_diskusage_v1_Chain__Output } from '../../../../wharfd/services/diskusage/v1/Chain.js';
import type { Long } from '@grpc/proto-loader';

export interface Explanation {
  'object'?: (_wharfd_services_diskusage_v1_Object | null);
  'chains'?: (_wharfd_services_diskusage_v1_Chain)[];
  'more_chains'?: (number | string | Long);
  'other_namespaces'?: (string)[];
  'size'?: (number | string | Long);
}

export interface Explanation__Output {
  'object': (_wharfd_services_diskusage_v1_Object__Output | null);
  'chains': (_wharfd_services_diskusage_v1_Chain__Output)[];
  'more_chains': (string);
  'other_namespaces': (string)[];
  'size': (string);
}
