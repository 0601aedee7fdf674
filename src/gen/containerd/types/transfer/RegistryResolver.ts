// Original file: proto/containerd/types/transfer/registry.proto

import type { HTTPDebug as _containerd_types_transfer_HTTPDebug, HTTPDebug__Output as _containerd_types_transfer_HTTPDebug__Output } from '../../../containerd/types/transfer/HTTPDebug.js';

export interface RegistryResolver {
  'auth_stream'?: (string);
  'headers'?: ({[key: string]: string});
  'host_dir'?: (string);
  'default_scheme'?: (string);
  'http_debug'?: (_containerd_types_transfer_HTTPDebug);
  'logs_stream'?: (string);
}

export interface RegistryResolver__Output {
  'auth_stream': (string);
  'headers': ({[key: string]: string});
  'host_dir': (string);
  'default_scheme': (string);
  'http_debug': (_containerd_types_transfer_HTTPDebug__Output);
  'logs_stream': (string);
}
