// Original file: proto/wharfd/services/diskusage/v1/diskusage.proto


export interface WhyRequest {
  'name'?: (string);
}

export interface WhyRequest__Output {
  'name': (string);
}
