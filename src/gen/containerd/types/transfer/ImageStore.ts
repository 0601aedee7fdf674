// Original file: proto/containerd/types/transfer/imagestore.proto

import type { Platform as _containerd_types_Platform, Platform__Output as _containerd_types_Platform__Output } from '../../../containerd/types/Platform.js';
import type { ImageReference as _containerd_types_transfer_ImageReference, ImageReference__Output as _containerd_types_transfer_ImageReference__Output } from '../../../containerd/types/transfer/ImageReference.js';
import type { UnpackConfiguration as _containerd_types_transfer_UnpackConfiguration, UnpackConfiguration__Output as _containerd_types_transfer_UnpackConfiguration__Output } from '../../../containerd/types/transfer/UnpackConfiguration.js';

export interface ImageStore {
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'platforms'?: (_containerd_types_Platform)[];
  'all_metadata'?: (boolean);
  'manifest_limit'?: (number);
  'extra_references'?: (_containerd_types_transfer_ImageReference)[];
  'unpacks'?: (_containerd_types_transfer_UnpackConfiguration)[];
}

export interface ImageStore__Output {
  'name': (string);
  'labels': ({[key: string]: string});
  'platforms': (_containerd_types_Platform__Output)[];
  'all_metadata': (boolean);
  'manifest_limit': (number);
  'extra_references': (_containerd_types_transfer_ImageReference__Output)[];
  'unpacks': (_containerd_types_transfer_UnpackConfiguration__Output)[];
}
