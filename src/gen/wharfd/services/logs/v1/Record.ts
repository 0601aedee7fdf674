// Original file: proto/wharfd/services/logs/v1/logs.proto

import type { RecordStream as _wharfd_services_logs_v1_RecordStream, RecordStream__Output as _wharfd_services_logs_v1_RecordStream__Output } from '../../../../wharfd/services/logs/v1/RecordStream.js';
import type { Long } from '@grpc/proto-loader';

export interface Record {
  'time'?: (string);
  'stream'?: (_wharfd_services_logs_v1_RecordStream);
  'data'?: (Buffer | Uint8Array | string);
  'missing_bytes'?: (number | string | Long);
}

export interface Record__Output {
  'time': (string);
  'stream': (_wharfd_services_logs_v1_RecordStream__Output);
  'data': (Buffer);
  'missing_bytes': (string);
}
