// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { RemovedObjects as _wharfd_services_diskusage_v1_RemovedObjects, RemovedObjects__Output as _wharfd_services_diskusage_v1_RemovedObjects__Output } from '../../../../wharfd/services/diskusage/v1/RemovedObjects.js';
import type { CollectSummary as _wharfd_services_diskusage_v1_CollectSummary, CollectSummary__Output as _wharfd_services_diskusage_v1_CollectSummary__Output } from '../../../../wharfd/services/diskusage/v1/CollectSummary.js';

export interface CollectResponse {
  'removed'?: (_wharfd_services_diskusage_v1_RemovedObjects | null);
  'summary'?: (_wharfd_services_diskusage_v1_CollectSummary | null);
  'part'?: "removed"|"summary";
}

export interface CollectResponse__Output {
  'removed'?: (_wharfd_services_diskusage_v1_RemovedObjects__Output | null);
  'summary'?: (_wharfd_services_diskusage_v1_CollectSummary__Output | null);
  'part'?: "removed"|"summary";
}
