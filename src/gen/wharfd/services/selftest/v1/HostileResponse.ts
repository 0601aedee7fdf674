// Original file: proto/wharfd/services/selftest/v1/selftest.proto


export interface HostileResponse {
  'row'?: (string);
  'name'?: (string);
  'guard'?: (string);
  'guard_text'?: (string);
  'form'?: (string);
  'complaints'?: (string)[];
  'total'?: (number);
}

export interface HostileResponse__Output {
  'row': (string);
  'name': (string);
  'guard': (string);
  'guard_text': (string);
  'form': (string);
  'complaints': (string)[];
  'total': (number);
}
