// Original file: proto/wharfd/services/journal/v1/journal.proto

import type { Event as _wharfd_services_journal_v1_Event, Event__Output as _wharfd_services_journal_v1_Event__Output } from '../../../../wharfd/services/journal/v1/Event.js';
import type { Long } from '@grpc/proto-loader';

export interface ReadResponse {
  'event'?: (_wharfd_services_journal_v1_Event | null);
  'next'?: (number | string | Long);
}

export interface ReadResponse__Output {
  'event': (_wharfd_services_journal_v1_Event__Output | null);
  'next': (string);
}
