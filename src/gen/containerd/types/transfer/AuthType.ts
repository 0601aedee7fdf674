// Original file: proto/containerd/types/transfer/registry.proto

export const AuthType = {
  NONE: 'NONE',
  CREDENTIALS: 'CREDENTIALS',
  REFRESH: 'REFRESH',
  HEADER: 'HEADER',
} as const;

export type AuthType =
  | 'NONE'
  | 0
  | 'CREDENTIALS'
  | 1
  | 'REFRESH'
  | 2
  | 'HEADER'
  | 3

export type AuthType__Output = typeof AuthType[keyof typeof AuthType]
