// Original file: proto/wharfd/services/execution/v1/execution.proto

import type { Long } from '@grpc/proto-loader';

export interface HealthOptions {
  'none'?: (boolean);
  'command'?: (string);
  'interval'?: (number | string | Long);
  'timeout'?: (number | string | Long);
  'start_period'?: (number | string | Long);
  'start_interval'?: (number | string | Long);
  'retries'?: (number);
  '_command'?: "command";
  '_interval'?: "interval";
  '_timeout'?: "timeout";
  '_start_period'?: "start_period";
  '_start_interval'?: "start_interval";
  '_retries'?: "retries";
}

export interface HealthOptions__Output {
  'none': (boolean);
  'command'?: (string);
  'interval'?: (string);
  'timeout'?: (string);
  'start_period'?: (string);
  'start_interval'?: (string);
  'retries'?: (number);
  '_command'?: "command";
  '_interval'?: "interval";
  '_timeout'?: "timeout";
  '_start_period'?: "start_period";
  '_start_interval'?: "start_interval";
  '_retries'?: "retries";
}
