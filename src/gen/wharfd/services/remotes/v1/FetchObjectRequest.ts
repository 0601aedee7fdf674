// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../../containerd/types/Platform.js';
import type { RemoteOptions as _wharfd_services_remotes_v1_RemoteOptions, RemoteOptions__Output as _wharfd_services_remotes_v1_RemoteOptions__Output } from '../../../../wharfd/services/remotes/v1/RemoteOptions.js';

export interface FetchObjectRequest {
  'ref'?: (string);
  'media_types'?: (string)[];
  'platform'?: (_containerd_types_Platform | null);
  'options'?: (_wharfd_services_remotes_v1_RemoteOptions | null);
}

export interface FetchObjectRequest__Output {
  'ref': (string);
  'media_types': (string)[];
  'platform': (_containerd_types_Platform__Output | null);
  'options': (_wharfd_services_remotes_v1_RemoteOptions__Output | null);
}
