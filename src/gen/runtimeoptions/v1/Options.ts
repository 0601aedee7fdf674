// Original file: proto/runtimeoptions/v1/options.proto


export interface Options {
  'type_url'?: (string);
  'config_path'?: (string);
  'config_body'?: (Buffer | Uint8Array | string);
}

export interface Options__Output {
  'type_url': (string);
  'config_path': (string);
  'config_body': (Buffer);
}
