// Original file: proto/io/containerd/cgroups/v2/metrics.proto

import type { PSIStats as _io_containerd_cgroups_v2_PSIStats, PSIStats__Output as _io_containerd_cgroups_v2_PSIStats__Output } from '../../../../io/containerd/cgroups/v2/PSIStats.js';
import type { Long } from '@grpc/proto-loader';

export interface CPUStat {
  'usage_usec'?: (number | string | Long);
  'user_usec'?: (number | string | Long);
  'system_usec'?: (number | string | Long);
  'nr_periods'?: (number | string | Long);
  'nr_throttled'?: (number | string | Long);
  'throttled_usec'?: (number | string | Long);
  'psi'?: (_io_containerd_cgroups_v2_PSIStats | null);
  'nr_bursts'?: (number | string | Long);
  'burst_usec'?: (number | string | Long);
}

export interface CPUStat__Output {
  'usage_usec': (string);
  'user_usec': (string);
  'system_usec': (string);
  'nr_periods': (string);
  'nr_throttled': (string);
  'throttled_usec': (string);
  'psi': (_io_containerd_cgroups_v2_PSIStats__Output | null);
  'nr_bursts': (string);
  'burst_usec': (string);
}
