import { isIP } from 'node:net';
import { DaemonError } from '../../base/errors.js';
import { list, text, type OptionValues } from '../shared/options.js';

/** What a container is connected to. */
export const NETWORK_OPTIONS = {
  net: text(
    '--net, --network <network>',
    'none, host, container:ID, or the name of a CNI network ("default": the first)',
  ),
  publish: list(
    '-p, --publish <[ip:]host:container[/protocol]>',
    'a port of the host that leads to one of the container',
  ),
};

export type NetworkValues = OptionValues<typeof NETWORK_OPTIONS>;

/** The network namespace that is not of the container alone; undefined when it is. */
export function sharedNetwork(net: string | undefined): string | undefined {
  return net === 'host' || net?.startsWith('container:') ? net : undefined;
}

/** The network and ports as the daemon is told them. Who publishes ports wants a network. @throws invalid-argument. */
export function networkOf({ net, publish }: NetworkValues) {
  const ports = publish.map(parsePort);
  const none = net === 'none' || sharedNetwork(net) !== undefined;
  if (none && ports.length > 0) {
    throw new DaemonError('invalid-argument', `-p publishes ports of a network: --net ${net ?? ''} has none`);
  }
  return { network: none ? '' : (net ?? (ports.length > 0 ? 'default' : '')), ports };
}

function parsePort(mapping: string) {
  const [, ipv6, ipv4, host, container, protocol = 'tcp'] =
    /^(?:\[([^\]]+)\]:|([^:[\]]+):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(mapping) ?? [];
  const [hostPort, containerPort, hostIp] = [Number(host), Number(container), ipv6 ?? ipv4 ?? ''];
  const fits = (port: number): boolean => port >= 1 && port <= 65_535;
  if (fits(hostPort) && fits(containerPort) && (hostIp === '' || isIP(hostIp) > 0)) {
    return { host_port: hostPort, container_port: containerPort, protocol, host_ip: hostIp };
  }
  throw new DaemonError(
    'invalid-argument',
    `-p ${JSON.stringify(mapping)} is not of the form [IP:]HOST:CONTAINER[/tcp|udp|sctp], such as 8080:80`,
  );
}
