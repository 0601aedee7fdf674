// Original file: proto/wharfd/services/changes/v1/changes.proto

export const ChangeKind = {
  CHANGE_KIND_UNSPECIFIED: 'CHANGE_KIND_UNSPECIFIED',
  CHANGE_KIND_ADDED: 'CHANGE_KIND_ADDED',
  CHANGE_KIND_MODIFIED: 'CHANGE_KIND_MODIFIED',
  CHANGE_KIND_DELETED: 'CHANGE_KIND_DELETED',
  CHANGE_KIND_REPLACED: 'CHANGE_KIND_REPLACED',
} as const;

export type ChangeKind =
  | 'CHANGE_KIND_UNSPECIFIED'
  | 0
  | 'CHANGE_KIND_ADDED'
  | 1
  | 'CHANGE_KIND_MODIFIED'
  | 2
  | 'CHANGE_KIND_DELETED'
  | 3
  | 'CHANGE_KIND_REPLACED'
  | 4

export type ChangeKind__Output = typeof ChangeKind[keyof typeof ChangeKind]
