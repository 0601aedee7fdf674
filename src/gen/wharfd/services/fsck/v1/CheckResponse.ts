// Original file: proto/wharfd/services/fsck/v1/fsck.proto

import type { Progress as _wharfd_services_fsck_v1_Progress, Progress__Output as _wharfd_services_fsck_v1_Progress__Output } from '../../../../wharfd/services/fsck/v1/Progress.js';
import type { Finding as _wharfd_services_fsck_v1_Finding, Finding__Output as _wharfd_services_fsck_v1_Finding__Output } from '../../../../wharfd/services/fsck/v1/Finding.js';
import type { Summary as _wharfd_services_fsck_v1_Summary, Summary__Output as _wharfd_services_fsck_v1_Summary__Output } from '../../../../wharfd/services/fsck/v1/Summary.js';

export interface CheckResponse {
  'progress'?: (_wharfd_services_fsck_v1_Progress | null);
  'finding'?: (_wharfd_services_fsck_v1_Finding | null);
  'summary'?: (_wharfd_services_fsck_v1_Summary | null);
  'part'?: "progress"|"finding"|"summary";
}

export interface CheckResponse__Output {
  'progress'?: (_wharfd_services_fsck_v1_Progress__Output | null);
  'finding'?: (_wharfd_services_fsck_v1_Finding__Output | null);
  'summary'?: (_wharfd_services_fsck_v1_Summary__Output | null);
  'part'?: "progress"|"finding"|"summary";
}
