// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { RemoteOptions as _wharfd_services_remotes_v1_RemoteOptions, RemoteOptions__Output as _wharfd_services_remotes_v1_RemoteOptions__Output } from '../../../../wharfd/services/remotes/v1/RemoteOptions.js';

export interface ReferrersRequest {
  'ref'?: (string);
  'artifact_type'?: (string);
  'options'?: (_wharfd_services_remotes_v1_RemoteOptions | null);
}

export interface ReferrersRequest__Output {
  'ref': (string);
  'artifact_type': (string);
  'options': (_wharfd_services_remotes_v1_RemoteOptions__Output | null);
}
