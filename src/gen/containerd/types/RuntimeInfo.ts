// Original file: proto/containerd/types/introspection.proto

import type { RuntimeVersion as _containerd_types_RuntimeVersion, RuntimeVersion__Output as _containerd_types_RuntimeVersion__Output } from '../../containerd/types/RuntimeVersion.js';
import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../google/protobuf/Any.js';

export interface RuntimeInfo {
  'name'?: (string);
  'version'?: (_containerd_types_RuntimeVersion | null);
  'options'?: (_google_protobuf_Any | null);
  'features'?: (_google_protobuf_Any | null);
  'annotations'?: ({[key: string]: string});
}

export interface RuntimeInfo__Output {
  'name': (string);
  'version': (_containerd_types_RuntimeVersion__Output | null);
  'options': (_google_protobuf_Any__Output | null);
  'features': (_google_protobuf_Any__Output | null);
  'annotations': ({[key: string]: string});
}
