// Original file: proto/wharfd/services/changes/v1/changes.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { CommitRequest as _wharfd_services_changes_v1_CommitRequest, CommitRequest__Output as _wharfd_services_changes_v1_CommitRequest__Output } from '../../../../wharfd/services/changes/v1/CommitRequest.js';
import type { CommitResponse as _wharfd_services_changes_v1_CommitResponse, CommitResponse__Output as _wharfd_services_changes_v1_CommitResponse__Output } from '../../../../wharfd/services/changes/v1/CommitResponse.js';
import type { CompareRequest as _wharfd_services_changes_v1_CompareRequest, CompareRequest__Output as _wharfd_services_changes_v1_CompareRequest__Output } from '../../../../wharfd/services/changes/v1/CompareRequest.js';
import type { CompareResponse as _wharfd_services_changes_v1_CompareResponse, CompareResponse__Output as _wharfd_services_changes_v1_CompareResponse__Output } from '../../../../wharfd/services/changes/v1/CompareResponse.js';
import type { DiffRequest as _wharfd_services_changes_v1_DiffRequest, DiffRequest__Output as _wharfd_services_changes_v1_DiffRequest__Output } from '../../../../wharfd/services/changes/v1/DiffRequest.js';
import type { DiffResponse as _wharfd_services_changes_v1_DiffResponse, DiffResponse__Output as _wharfd_services_changes_v1_DiffResponse__Output } from '../../../../wharfd/services/changes/v1/DiffResponse.js';
import type { ForkRequest as _wharfd_services_changes_v1_ForkRequest, ForkRequest__Output as _wharfd_services_changes_v1_ForkRequest__Output } from '../../../../wharfd/services/changes/v1/ForkRequest.js';
import type { ForkResponse as _wharfd_services_changes_v1_ForkResponse, ForkResponse__Output as _wharfd_services_changes_v1_ForkResponse__Output } from '../../../../wharfd/services/changes/v1/ForkResponse.js';

export interface ChangesServiceDefinition {
  Commit: MethodDefinition<_wharfd_services_changes_v1_CommitRequest, _wharfd_services_changes_v1_CommitResponse, _wharfd_services_changes_v1_CommitRequest__Output, _wharfd_services_changes_v1_CommitResponse__Output>
  Compare: MethodDefinition<_wharfd_services_changes_v1_CompareRequest, _wharfd_services_changes_v1_CompareResponse, _wharfd_services_changes_v1_CompareRequest__Output, _wharfd_services_changes_v1_CompareResponse__Output>
  Diff: MethodDefinition<_wharfd_services_changes_v1_DiffRequest, _wharfd_services_changes_v1_DiffResponse, _wharfd_services_changes_v1_DiffRequest__Output, _wharfd_services_changes_v1_DiffResponse__Output>
  Fork: MethodDefinition<_wharfd_services_changes_v1_ForkRequest, _wharfd_services_changes_v1_ForkResponse, _wharfd_services_changes_v1_ForkRequest__Output, _wharfd_services_changes_v1_ForkResponse__Output>
}
