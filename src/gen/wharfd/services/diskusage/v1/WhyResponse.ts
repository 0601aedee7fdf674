// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Explanation as _wharfd_services_diskusage_v1_Explanation, Explanation__Output as _wharfd_services_diskusage_v1_Explanation__Output } from '../../../../wharfd/services/diskusage/v1/Explanation.js';

export interface WhyResponse {
  'explanations'?: (_wharfd_services_diskusage_v1_Explanation)[];
}

export interface WhyResponse__Output {
  'explanations': (_wharfd_services_diskusage_v1_Explanation__Output)[];
}
