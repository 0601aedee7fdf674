// Original file: proto/wharfd/services/images/v1/images.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.js';
import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../../containerd/types/Platform.js';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../../../google/protobuf/Timestamp.js';
import type { Long } from '@grpc/proto-loader';

export interface ImageSummary {
  'name'?: (string);
  'target'?: (_containerd_types_Descriptor | null);
  'packed_size'?: (number | string | Long);
  'unpacked_size'?: (number | string | Long);
  'platforms'?: (_containerd_types_Platform)[];
  'labels'?: ({[key: string]: string});
  'created_at'?: (_google_protobuf_Timestamp | null);
  'size_error'?: (string);
}

export interface ImageSummary__Output {
  'name': (string);
  'target': (_containerd_types_Descriptor__Output | null);
  'packed_size': (string);
  'unpacked_size': (string);
  'platforms': (_containerd_types_Platform__Output)[];
  'labels': ({[key: string]: string});
  'created_at': (_google_protobuf_Timestamp__Output | null);
  'size_error': (string);
}
