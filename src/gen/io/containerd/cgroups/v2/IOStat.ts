// Original file: proto/io/containerd/cgroups/v2/metrics.proto

import type { IOEntry as _io_containerd_cgroups_v2_IOEntry, IOEntry__Output as _io_containerd_cgroups_v2_IOEntry__Output } from '../../../../io/containerd/cgroups/v2/IOEntry.js';
import type { PSIStats as _io_containerd_cgroups_v2_PSIStats, PSIStats__Output as _io_containerd_cgroups_v2_PSIStats__Output } from '../../../../io/containerd/cgroups/v2/PSIStats.js';

export interface IOStat {
  'usage'?: (_io_containerd_cgroups_v2_IOEntry)[];
  'psi'?: (_io_containerd_cgroups_v2_PSIStats | null);
}

export interface IOStat__Output {
  'usage': (_io_containerd_cgroups_v2_IOEntry__Output)[];
  'psi': (_io_containerd_cgroups_v2_PSIStats__Output | null);
}
