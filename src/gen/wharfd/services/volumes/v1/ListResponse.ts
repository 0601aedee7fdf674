// Original file: proto/wharfd/services/volumes/v1/volumes.proto

import type { Volume as _wharfd_services_volumes_v1_Volume, Volume__Output as _wharfd_services_volumes_v1_Volume__Output } from '../../../../wharfd/services/volumes/v1/Volume.js';

export interface ListResponse {
  'volumes'?: (_wharfd_services_volumes_v1_Volume)[];
}

export interface ListResponse__Output {
  'volumes': (_wharfd_services_volumes_v1_Volume__Output)[];
}
