// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { ImageUsage as _wharfd_services_diskusage_v1_ImageUsage, ImageUsage__Output as _wharfd_services_diskusage_v1_ImageUsage__Output } from '../../../../wharfd/services/diskusage/v1/ImageUsage.js';
import type { Totals as _wharfd_services_diskusage_v1_Totals, Totals__Output as _wharfd_services_diskusage_v1_Totals__Output } from '../../../../wharfd/services/diskusage/v1/Totals.js';

export interface UsageResponse {
  'image'?: (_wharfd_services_diskusage_v1_ImageUsage | null);
  'totals'?: (_wharfd_services_diskusage_v1_Totals | null);
  'part'?: "image"|"totals";
}

export interface UsageResponse__Output {
  'image'?: (_wharfd_services_diskusage_v1_ImageUsage__Output | null);
  'totals'?: (_wharfd_services_diskusage_v1_Totals__Output | null);
  'part'?: "image"|"totals";
}
