// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Link as _wharfd_services_diskusage_v1_Link, Link__Output as _wharfd_services_diskusage_v1_Link__Output } from '../../../../wharfd/services/diskusage/v1/Link.js';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';

export interface Chain {
  'links'?: (_wharfd_services_diskusage_v1_Link)[];
  'root_reason'?: (string);
  'kept_by'?: (string);
  'kept_since'?: (_google_protobuf_Timestamp | null);
}

export interface Chain__Output {
  'links': (_wharfd_services_diskusage_v1_Link__Output)[];
  'root_reason': (string);
  'kept_by': (string);
  'kept_since': (_google_protobuf_Timestamp__Output | null);
}
