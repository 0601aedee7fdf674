// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { CollectRequest as _wharfd_services_diskusage_v1_CollectRequest, CollectRequest__Output as _wharfd_services_diskusage_v1_CollectRequest__Output } from '../../../../wharfd/services/diskusage/v1/CollectRequest.js';
import type { CollectResponse as _wharfd_services_diskusage_v1_CollectResponse, CollectResponse__Output as _wharfd_services_diskusage_v1_CollectResponse__Output } from '../../../../wharfd/services/diskusage/v1/CollectResponse.js';
import type { UsageRequest as _wharfd_services_diskusage_v1_UsageRequest, UsageRequest__Output as _wharfd_services_diskusage_v1_UsageRequest__Output } from '../../../../wharfd/services/diskusage/v1/UsageRequest.js';
import type { UsageResponse as _wharfd_services_diskusage_v1_UsageResponse, UsageResponse__Output as _wharfd_services_diskusage_v1_UsageResponse__Output } from '../../../../wharfd/services/diskusage/v1/UsageResponse.js';
import type { WhyRequest as _wharfd_services_diskusage_v1_WhyRequest, WhyRequest__Output as _wharfd_services_diskusage_v1_WhyRequest__Output } from '../../../../wharfd/services/diskusage/v1/WhyRequest.js';
import type { WhyResponse as _wharfd_services_diskusage_v1_WhyResponse, WhyResponse__Output as _wharfd_services_diskusage_v1_WhyResponse__Output } from '../../../../wharfd/services/diskusage/v1/WhyResponse.js';

export interface DiskUsageServiceDefinition {
  Collect: MethodDefinition<_wharfd_services_diskusage_v1_CollectRequest, _wharfd_services_diskusage_v1_CollectResponse, _wharfd_services_diskusage_v1_CollectRequest__Output, _wharfd_services_diskusage_v1_CollectResponse__Output>
  Usage: MethodDefinition<_wharfd_services_diskusage_v1_UsageRequest, _wharfd_services_diskusage_v1_UsageResponse, _wharfd_services_diskusage_v1_UsageRequest__Output, _wharfd_services_diskusage_v1_UsageResponse__Output>
  Why: MethodDefinition<_wharfd_services_diskusage_v1_WhyRequest, _wharfd_services_diskusage_v1_WhyResponse, _wharfd_services_diskusage_v1_WhyRequest__Output, _wharfd_services_diskusage_v1_WhyResponse__Output>
}
