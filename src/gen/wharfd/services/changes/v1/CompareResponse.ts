// Original file: proto/wharfd/services/changes/v1/changes.proto

import type { PathChange as _wharfd_services_changes_v1_PathChange, PathChange__Output as _wharfd_services_changes_v1_PathChange__Output } from '../../../../wharfd/services/changes/v1/PathChange.js';

export interface CompareResponse {
  'changes'?: (_wharfd_services_changes_v1_PathChange)[];
}

export interface CompareResponse__Output {
  'changes': (_wharfd_services_changes_v1_PathChange__Output)[];
}
