import { BlockList, isIP } from 'node:net';
import { DaemonError } from '../../base/errors.js';

/** By which proxies registries are reached. As curl and Go's programs take them from the environment. */
export interface ProxySettings {
  /** URL of the proxy for http; empty for none. */
  readonly http: string;
  /** URL of the proxy for https; empty for none. */
  readonly https: string;
  /** Hosts that are reached without: names with the names below them, `.names` below only, addresses, CIDR ranges, `host:port`, or `*`. */
  readonly no: string;
}

/** Chooses the proxy for a request. */
export interface Proxies {
  /** Undefined: none, as for this machine itself. */
  proxyFor(url: URL): URL | undefined;
}

export const NO_PROXIES: Proxies = { proxyFor: () => undefined };

/** What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say, or the same in lower case. */
export function proxiesOfEnvironment(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const value = (name: string) => env[name] ?? env[name.toLowerCase()] ?? '';
  return { http: value('HTTP_PROXY'), https: value('HTTPS_PROXY'), no: value('NO_PROXY') };
}

/** @throws invalid-argument: an address that is none, or of a kind of proxy that we can't speak to. */
export function createProxies({ http, https, no }: ProxySettings): Proxies {
  const byProtocol = new Map([
    ['http:', parseProxy('http', http)],
    ['https:', parseProxy('https', https)],
  ]);
  const exempt = parseExemptions(no);
  return {
    proxyFor: (url) => (isLoopback(hostOf(url)) || exempt(url) ? undefined : byProtocol.get(url.protocol)),
  };
}

function parseProxy(kind: 'http' | 'https', text: string): URL | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url;
  // It may hold a password.
  const what =
    url === null || /^https?:$/.test(url.protocol) ? 'no URL' : `one of ${url.protocol}//, which is not spoken`;
  throw new DaemonError(
    'invalid-argument',
    `the address of the proxy for ${kind} (${kind} in [proxy], else ${kind.toUpperCase()}_PROXY of the daemon's environment) is ${what}: ` +
      'write it like http://proxy.example:3128',
  );
}

/** A host without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}

type Exemption = (host: string, port: string) => boolean;

function parseExemptions(text: string): (url: URL) => boolean {
  const entries = text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => parseExemption(entry.toLowerCase()));
  return (url) => {
    const port = url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80';
    return entries.some((matches) => matches(hostOf(url), port));
  };
}

function parseExemption(entry: string): Exemption {
  if (entry === '*') return () => true;
  const range = parseRange(entry);
  if (range) return range;
  const [, bracketed, plain = '', wantedPort] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const name = (bracketed ?? (plain === '' ? entry : plain)).replace(/^\*(?=\.)/, '');
  const isPort: Exemption = (_, port) => wantedPort === undefined || wantedPort === port;
  if (isIP(name) !== 0) return (host, port) => host === name && isPort(host, port);
  if (name.startsWith('.')) return (host, port) => host.endsWith(name) && isPort(host, port);
  return (host, port) => (host === name || host.endsWith(`.${name}`)) && isPort(host, port);
}

function parseRange(entry: string): Exemption | undefined {
  const [, address = '', bits = ''] = /^([\d.:a-f]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return (host) => isIP(host) === family && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
