// Original file: proto/wharfd/services/logs/v1/logs.proto

export const RecordStream = {
  RECORD_STREAM_UNSPECIFIED: 'RECORD_STREAM_UNSPECIFIED',
  RECORD_STREAM_STDOUT: 'RECORD_STREAM_STDOUT',
  RECORD_STREAM_STDERR: 'RECORD_STREAM_STDERR',
} as const;

export type RecordStream =
  | 'RECORD_STREAM_UNSPECIFIED'
  | 0
  | 'RECORD_STREAM_STDOUT'
  | 1
  | 'RECORD_STREAM_STDERR'
  | 2

export type RecordStream__Output = typeof RecordStream[keyof typeof RecordStream]
