// Original file: proto/wharfd/services/selftest/v1/selftest.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { HostileRequest as _wharfd_services_selftest_v1_HostileRequest, HostileRequest__Output as _wharfd_services_selftest_v1_HostileRequest__Output } from '../../../../wharfd/services/selftest/v1/HostileRequest.js';
import type { HostileResponse as _wharfd_services_selftest_v1_HostileResponse, HostileResponse__Output as _wharfd_services_selftest_v1_HostileResponse__Output } from '../../../../wharfd/services/selftest/v1/HostileResponse.js';

export interface SelftestServiceDefinition {
  Hostile: MethodDefinition<_wharfd_services_selftest_v1_HostileRequest, _wharfd_services_selftest_v1_HostileResponse, _wharfd_services_selftest_v1_HostileRequest__Output, _wharfd_services_selftest_v1_HostileResponse__Output>
}
