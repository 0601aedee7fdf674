// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { ExecRequest as _wharfd_services_execution_v1_ExecRequest, ExecRequest__Output as _wharfd_services_execution_v1_ExecRequest__Output } from '../../../../wharfd/services/execution/v1/ExecRequest.js';
import type { ExecResponse as _wharfd_services_execution_v1_ExecResponse, ExecResponse__Output as _wharfd_services_execution_v1_ExecResponse__Output } from '../../../../wharfd/services/execution/v1/ExecResponse.js';
import type { ListRequest as _wharfd_services_execution_v1_ListRequest, ListRequest__Output as _wharfd_services_execution_v1_ListRequest__Output } from '../../../../wharfd/services/execution/v1/ListRequest.js';
import type { ListResponse as _wharfd_services_execution_v1_ListResponse, ListResponse__Output as _wharfd_services_execution_v1_ListResponse__Output } from '../../../../wharfd/services/execution/v1/ListResponse.js';
import type { RemoveRequest as _wharfd_services_execution_v1_RemoveRequest, RemoveRequest__Output as _wharfd_services_execution_v1_RemoveRequest__Output } from '../../../../wharfd/services/execution/v1/RemoveRequest.js';
import type { RemoveResponse as _wharfd_services_execution_v1_RemoveResponse, RemoveResponse__Output as _wharfd_services_execution_v1_RemoveResponse__Output } from '../../../../wharfd/services/execution/v1/RemoveResponse.js';
import type { RenameRequest as _wharfd_services_execution_v1_RenameRequest, RenameRequest__Output as _wharfd_services_execution_v1_RenameRequest__Output } from '../../../../wharfd/services/execution/v1/RenameRequest.js';
import type { RenameResponse as _wharfd_services_execution_v1_RenameResponse, RenameResponse__Output as _wharfd_services_execution_v1_RenameResponse__Output } from '../../../../wharfd/services/execution/v1/RenameResponse.js';
import type { RunOwnedRequest as _wharfd_services_execution_v1_RunOwnedRequest, RunOwnedRequest__Output as _wharfd_services_execution_v1_RunOwnedRequest__Output } from '../../../../wharfd/services/execution/v1/RunOwnedRequest.js';
import type { RunOwnedResponse as _wharfd_services_execution_v1_RunOwnedResponse, RunOwnedResponse__Output as _wharfd_services_execution_v1_RunOwnedResponse__Output } from '../../../../wharfd/services/execution/v1/RunOwnedResponse.js';
import type { RunRequest as _wharfd_services_execution_v1_RunRequest, RunRequest__Output as _wharfd_services_execution_v1_RunRequest__Output } from '../../../../wharfd/services/execution/v1/RunRequest.js';
import type { RunResponse as _wharfd_services_execution_v1_RunResponse, RunResponse__Output as _wharfd_services_execution_v1_RunResponse__Output } from '../../../../wharfd/services/execution/v1/RunResponse.js';
import type { StartRequest as _wharfd_services_execution_v1_StartRequest, StartRequest__Output as _wharfd_services_execution_v1_StartRequest__Output } from '../../../../wharfd/services/execution/v1/StartRequest.js';
import type { StartResponse as _wharfd_services_execution_v1_StartResponse, StartResponse__Output as _wharfd_services_execution_v1_StartResponse__Output } from '../../../../wharfd/services/execution/v1/StartResponse.js';
import type { StopRequest as _wharfd_services_execution_v1_StopRequest, StopRequest__Output as _wharfd_services_execution_v1_StopRequest__Output } from '../../../../wharfd/services/execution/v1/StopRequest.js';
import type { StopResponse as _wharfd_services_execution_v1_StopResponse, StopResponse__Output as _wharfd_services_execution_v1_StopResponse__Output } from '../../../../wharfd/services/execution/v1/StopResponse.js';
import type { UpdateRequest as _wharfd_services_execution_v1_UpdateRequest, UpdateRequest__Output as _wharfd_services_execution_v1_UpdateRequest__Output } from '../../../../wharfd/services/execution/v1/UpdateRequest.js';
import type { UpdateResponse as _wharfd_services_execution_v1_UpdateResponse, UpdateResponse__Output as _wharfd_services_execution_v1_UpdateResponse__Output } from '../../../../wharfd/services/execution/v1/UpdateResponse.js';

export interface ExecutionServiceDefinition {
  Exec: MethodDefinition<_wharfd_services_execution_v1_ExecRequest, _wharfd_services_execution_v1_ExecResponse, _wharfd_services_execution_v1_ExecRequest__Output, _wharfd_services_execution_v1_ExecResponse__Output>
  List: MethodDefinition<_wharfd_services_execution_v1_ListRequest, _wharfd_services_execution_v1_ListResponse, _wharfd_services_execution_v1_ListRequest__Output, _wharfd_services_execution_v1_ListResponse__Output>
  Remove: MethodDefinition<_wharfd_services_execution_v1_RemoveRequest, _wharfd_services_execution_v1_RemoveResponse, _wharfd_services_execution_v1_RemoveRequest__Output, _wharfd_services_execution_v1_RemoveResponse__Output>
  Rename: MethodDefinition<_wharfd_services_execution_v1_RenameRequest, _wharfd_services_execution_v1_RenameResponse, _wharfd_services_execution_v1_RenameRequest__Output, _wharfd_services_execution_v1_RenameResponse__Output>
  Run: MethodDefinition<_wharfd_services_execution_v1_RunRequest, _wharfd_services_execution_v1_RunResponse, _wharfd_services_execution_v1_RunRequest__Output, _wharfd_services_execution_v1_RunResponse__Output>
  RunOwned: MethodDefinition<_wharfd_services_execution_v1_RunOwnedRequest, _wharfd_services_execution_v1_RunOwnedResponse, _wharfd_services_execution_v1_RunOwnedRequest__Output, _wharfd_services_execution_v1_RunOwnedResponse__Output>
  Start: MethodDefinition<_wharfd_services_execution_v1_StartRequest, _wharfd_services_execution_v1_StartResponse, _wharfd_services_execution_v1_StartRequest__Output, _wharfd_services_execution_v1_StartResponse__Output>
  Stop: MethodDefinition<_wharfd_services_execution_v1_StopRequest, _wharfd_services_execution_v1_StopResponse, _wharfd_services_execution_v1_StopRequest__Output, _wharfd_services_execution_v1_StopResponse__Output>
  Update: MethodDefinition<_wharfd_services_execution_v1_UpdateRequest, _wharfd_services_execution_v1_UpdateResponse, _wharfd_services_execution_v1_UpdateRequest__Output, _wharfd_services_execution_v1_UpdateResponse__Output>
}
