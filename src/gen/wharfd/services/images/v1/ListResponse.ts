// Original file: proto/wharfd/services/images/v1/images.proto

import type { ImageSummary as _wharfd_services_images_v1_ImageSummary, ImageSummary__Output as _wharfd_services_images_v1_ImageSummary__Output } from '../../../../wharfd/services/images/v1/ImageSummary.js';

export interface ListResponse {
  'images'?: (_wharfd_services_images_v1_ImageSummary)[];
}

export interface ListResponse__Output {
  'images': (_wharfd_services_images_v1_ImageSummary__Output)[];
}
