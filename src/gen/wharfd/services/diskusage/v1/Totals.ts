// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto

import type { Amount as _wharfd_services_diskusage_v1_Amount, Amount__Output as _wharfd_services_diskusage_v1_Amount__Output } from '../../../../wharfd/services/diskusage/v1/Amount.js';
import type { Long } from '@grpc/proto-loader';

export interface Totals {
  'packed'?: (number | string | Long);
  'unpacked'?: (number | string | Long);
  'shared'?: (number | string | Long);
  'unique'?: (number | string | Long);
  'reclaimable'?: (number | string | Long);
  'garbage'?: (number | string | Long);
  'blobs'?: (_wharfd_services_diskusage_v1_Amount | null);
  'ingests'?: (_wharfd_services_diskusage_v1_Amount | null);
  'layers'?: (_wharfd_services_diskusage_v1_Amount | null);
  'writable'?: (_wharfd_services_diskusage_v1_Amount | null);
  'metadata'?: (number | string | Long);
}

export interface Totals__Output {
  'packed': (string);
  'unpacked': (string);
  'shared': (string);
  'unique': (string);
  'reclaimable': (string);
  'garbage': (string);
  'blobs': (_wharfd_services_diskusage_v1_Amount__Output | null);
  'ingests': (_wharfd_services_diskusage_v1_Amount__Output | null);
  'layers': (_wharfd_services_diskusage_v1_Amount__Output | null);
  'writable': (_wharfd_services_diskusage_v1_Amount__Output | null);
  'metadata': (string);
}
