// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto


export interface CollectRequest {
  'dry_run'?: (boolean);
}

export interface CollectRequest__Output {
  'dry_run': (boolean);
}
