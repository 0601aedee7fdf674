// Original file: proto/containerd/types/transfer/registry.proto

export const HTTPDebug = {
  DISABLED: 'DISABLED',
  DEBUG: 'DEBUG',
  TRACE: 'TRACE',
  BOTH: 'BOTH',
} as const;

export type HTTPDebug =
  | 'DISABLED'
  | 0
  | 'DEBUG'
  | 1
  | 'TRACE'
  | 2
  | 'BOTH'
  | 3

export type HTTPDebug__Output = typeof HTTPDebug[keyof typeof HTTPDebug]
