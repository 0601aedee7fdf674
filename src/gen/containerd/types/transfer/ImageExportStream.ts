// Original file: proto/containerd/types/transfer/importexport.proto

import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../containerd/types/Platform.js';

export interface ImageExportStream {
  'stream'?: (string);
  'media_type'?: (string);
  'platforms'?: (_containerd_types_Platform)[];
  'all_platforms'?: (boolean);
  'skip_compatibility_manifest'?: (boolean);
  'skip_non_distributable'?: (boolean);
}

export interface ImageExportStream__Output {
  'stream': (string);
  'media_type': (string);
  'platforms': (_containerd_types_Platform__Output)[];
  'all_platforms': (boolean);
  'skip_compatibility_manifest': (boolean);
  'skip_non_distributable': (boolean);
}
