// Original file: proto/wharfd/services/remotes/v1/remotes.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';
import type { Referrer as _wharfd_services_remotes_v1_Referrer, Referrer__Output as _wharfd_services_remotes_v1_Referrer__Output } from '../../../../wharfd/services/remotes/v1/Referrer.js';

export interface ReferrersResponse {
  'name'?: (string);
  'target'?: (_containerd_types_Descriptor | null);
  'referrers'?: (_wharfd_services_remotes_v1_Referrer)[];
}

export interface ReferrersResponse__Output {
  'name': (string);
  'target': (_containerd_types_Descriptor__Output | null);
  'referrers': (_wharfd_services_remotes_v1_Referrer__Output)[];
}
