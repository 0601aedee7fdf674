// Original file: proto/wharfd/services/execution/v1/execution.proto


export interface PortMapping {
  'host_port'?: (number);
  'container_port'?: (number);
  'protocol'?: (string);
  'host_ip'?: (string);
}

export interface PortMapping__Output {
  'host_port': (number);
  'container_port': (number);
  'protocol': (string);
  'host_ip': (string);
}
