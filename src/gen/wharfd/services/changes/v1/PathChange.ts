// Original file: proto/wharfd/services/changes/v1/changes.proto

import type { ChangeKind as _wharfd_services_changes_v1_ChangeKind, ChangeKind__Output as _wharfd_services_changes_v1_ChangeKind__Output } from '../../../../wharfd/services/changes/v1/ChangeKind.js';

export interface PathChange {
  'kind'?: (_wharfd_services_changes_v1_ChangeKind);
  'path'?: (Buffer | Uint8Array | string);
}

export interface PathChange__Output {
  'kind': (_wharfd_services_changes_v1_ChangeKind__Output);
  'path': (Buffer);
}
