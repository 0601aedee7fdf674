// Original file: proto/io/containerd/cgroups/v2/metrics.proto

import type { PSIData as _io_containerd_cgroups_v2_PSIData, PSIData__Output as _io_containerd_cgroups_v2_PSIData__Output } from '../../../../io/containerd/cgroups/v2/PSIData.js';

export interface PSIStats {
  'some'?: (_io_containerd_cgroups_v2_PSIData | null);
  'full'?: (_io_containerd_cgroups_v2_PSIData | null);
}

export interface PSIStats__Output {
  'some': (_io_containerd_cgroups_v2_PSIData__Output | null);
  'full': (_io_containerd_cgroups_v2_PSIData__Output | null);
}
