// Original file: proto/wharfd/services/journal/v1/journal.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { CurrentRequest as _wharfd_services_journal_v1_CurrentRequest, CurrentRequest__Output as _wharfd_services_journal_v1_CurrentRequest__Output } from '../../../../wharfd/services/journal/v1/CurrentRequest.js';
import type { CurrentResponse as _wharfd_services_journal_v1_CurrentResponse, CurrentResponse__Output as _wharfd_services_journal_v1_CurrentResponse__Output } from '../../../../wharfd/services/journal/v1/CurrentResponse.js';
import type { ReadRequest as _wharfd_services_journal_v1_ReadRequest, ReadRequest__Output as _wharfd_services_journal_v1_ReadRequest__Output } from '../../../../wharfd/services/journal/v1/ReadRequest.js';
import type { ReadResponse as _wharfd_services_journal_v1_ReadResponse, ReadResponse__Output as _wharfd_services_journal_v1_ReadResponse__Output } from '../../../../wharfd/services/journal/v1/ReadResponse.js';

export interface JournalServiceDefinition {
  Current: MethodDefinition<_wharfd_services_journal_v1_CurrentRequest, _wharfd_services_journal_v1_CurrentResponse, _wharfd_services_journal_v1_CurrentRequest__Output, _wharfd_services_journal_v1_CurrentResponse__Output>
  Read: MethodDefinition<_wharfd_services_journal_v1_ReadRequest, _wharfd_services_journal_v1_ReadResponse, _wharfd_services_journal_v1_ReadRequest__Output, _wharfd_services_journal_v1_ReadResponse__Output>
}
