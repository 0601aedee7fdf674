import { isIP } from 'node:net';

/** Where a host name of references is really served. */
export interface Endpoint {
  /** Host and port as the reference has it. */
  readonly host: string;
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
}

const DOCKER_HUB = new Set(['docker.io', 'index.docker.io']);

/** https, but for loopback hosts and where plain http was asked for; Docker Hub's API has a host of its own. */
export function endpointOf(host: string, plainHttp: boolean): Endpoint {
  if (DOCKER_HUB.has(host)) return { host, origin: 'https://registry-1.docker.io' };
  const scheme = plainHttp || isLoopback(host) ? 'http' : 'https';
  return { host, origin: new URL(`${scheme}://${host}`).origin };
}

/** True for `localhost`, 127.0.0.0/8 and ::1, with or without a port. */
export function isLoopback(host: string): boolean {
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  if (name === 'localhost') return true;
  if (isIP(name) === 4) return name.startsWith('127.');
  return isIP(name) === 6 && new URL(`http://[${name}]`).hostname === '[::1]';
}
