// Original file: proto/wharfd/services/execution/v1/spec_options.proto

import type { Long } from '@grpc/proto-loader';

export interface Resources {
  'memory'?: (number | string | Long);
  'memory_swap'?: (number | string | Long);
  'memory_reservation'?: (number | string | Long);
  'cpu_shares'?: (number | string | Long);
  'cpu_quota'?: (number | string | Long);
  'cpu_period'?: (number | string | Long);
  'cpuset_cpus'?: (string);
  'cpuset_mems'?: (string);
  'pids'?: (number | string | Long);
  'blkio_weight'?: (number);
  'read_bps'?: (string)[];
  'write_bps'?: (string)[];
  'read_iops'?: (string)[];
  'write_iops'?: (string)[];
  '_memory'?: "memory";
  '_memory_swap'?: "memory_swap";
  '_memory_reservation'?: "memory_reservation";
  '_cpu_shares'?: "cpu_shares";
  '_cpu_quota'?: "cpu_quota";
  '_cpu_period'?: "cpu_period";
  '_pids'?: "pids";
  '_blkio_weight'?: "blkio_weight";
}

export interface Resources__Output {
  'memory'?: (string);
  'memory_swap'?: (string);
  'memory_reservation'?: (string);
  'cpu_shares'?: (string);
  'cpu_quota'?: (string);
  'cpu_period'?: (string);
  'cpuset_cpus': (string);
  'cpuset_mems': (string);
  'pids'?: (string);
  'blkio_weight'?: (number);
  'read_bps': (string)[];
  'write_bps': (string)[];
  'read_iops': (string)[];
  'write_iops': (string)[];
  '_memory'?: "memory";
  '_memory_swap'?: "memory_swap";
  '_memory_reservation'?: "memory_reservation";
  '_cpu_shares'?: "cpu_shares";
  '_cpu_quota'?: "cpu_quota";
  '_cpu_period'?: "cpu_period";
  '_pids'?: "pids";
  '_blkio_weight'?: "blkio_weight";
}
