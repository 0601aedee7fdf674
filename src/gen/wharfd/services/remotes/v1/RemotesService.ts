// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { AuthenticateRequest as _wharfd_services_remotes_v1_AuthenticateRequest, AuthenticateRequest__Output as _wharfd_services_remotes_v1_AuthenticateRequest__Output } from '../../../../wharfd/services/remotes/v1/AuthenticateRequest.js';
import type { AuthenticateResponse as _wharfd_services_remotes_v1_AuthenticateResponse, AuthenticateResponse__Output as _wharfd_services_remotes_v1_AuthenticateResponse__Output } from '../../../../wharfd/services/remotes/v1/AuthenticateResponse.js';
import type { FetchObjectRequest as _wharfd_services_remotes_v1_FetchObjectRequest, FetchObjectRequest__Output as _wharfd_services_remotes_v1_FetchObjectRequest__Output } from '../../../../wharfd/services/remotes/v1/FetchObjectRequest.js';
import type { FetchObjectResponse as _wharfd_services_remotes_v1_FetchObjectResponse, FetchObjectResponse__Output as _wharfd_services_remotes_v1_FetchObjectResponse__Output } from '../../../../wharfd/services/remotes/v1/FetchObjectResponse.js';
import type { PushObjectRequest as _wharfd_services_remotes_v1_PushObjectRequest, PushObjectRequest__Output as _wharfd_services_remotes_v1_PushObjectRequest__Output } from '../../../../wharfd/services/remotes/v1/PushObjectRequest.js';
import type { PushObjectResponse as _wharfd_services_remotes_v1_PushObjectResponse, PushObjectResponse__Output as _wharfd_services_remotes_v1_PushObjectResponse__Output } from '../../../../wharfd/services/remotes/v1/PushObjectResponse.js';
import type { ReferrersRequest as _wharfd_services_remotes_v1_ReferrersRequest, ReferrersRequest__Output as _wharfd_services_remotes_v1_ReferrersRequest__Output } from '../../../../wharfd/services/remotes/v1/ReferrersRequest.js';
import type { ReferrersResponse as _wharfd_services_remotes_v1_ReferrersResponse, ReferrersResponse__Output as _wharfd_services_remotes_v1_ReferrersResponse__Output } from '../../../../wharfd/services/remotes/v1/ReferrersResponse.js';
import type { ResolveRequest as _wharfd_services_remotes_v1_ResolveRequest, ResolveRequest__Output as _wharfd_services_remotes_v1_ResolveRequest__Output } from '../../../../wharfd/services/remotes/v1/ResolveRequest.js';
import type { ResolveResponse as _wharfd_services_remotes_v1_ResolveResponse, ResolveResponse__Output as _wharfd_services_remotes_v1_ResolveResponse__Output } from '../../../../wharfd/services/remotes/v1/ResolveResponse.js';

export interface RemotesServiceDefinition {
  Authenticate: MethodDefinition<_wharfd_services_remotes_v1_AuthenticateRequest, _wharfd_services_remotes_v1_AuthenticateResponse, _wharfd_services_remotes_v1_AuthenticateRequest__Output, _wharfd_services_remotes_v1_AuthenticateResponse__Output>
  FetchObject: MethodDefinition<_wharfd_services_remotes_v1_FetchObjectRequest, _wharfd_services_remotes_v1_FetchObjectResponse, _wharfd_services_remotes_v1_FetchObjectRequest__Output, _wharfd_services_remotes_v1_FetchObjectResponse__Output>
  PushObject: MethodDefinition<_wharfd_services_remotes_v1_PushObjectRequest, _wharfd_services_remotes_v1_PushObjectResponse, _wharfd_services_remotes_v1_PushObjectRequest__Output, _wharfd_services_remotes_v1_PushObjectResponse__Output>
  Referrers: MethodDefinition<_wharfd_services_remotes_v1_ReferrersRequest, _wharfd_services_remotes_v1_ReferrersResponse, _wharfd_services_remotes_v1_ReferrersRequest__Output, _wharfd_services_remotes_v1_ReferrersResponse__Output>
  Resolve: MethodDefinition<_wharfd_services_remotes_v1_ResolveRequest, _wharfd_services_remotes_v1_ResolveResponse, _wharfd_services_remotes_v1_ResolveRequest__Output, _wharfd_services_remotes_v1_ResolveResponse__Output>
}
