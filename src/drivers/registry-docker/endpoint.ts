import { isIP } from 'node:net';

export type Capability = 'pull' | 'resolve' | 'push';

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(['pull', 'resolve', 'push'] as const);

/** How connections to a host are made, where it is not by the defaults. */
export interface Connection {
  /** Certificates of authorities, PEM; trusted besides those that are trusted anyway. */
  readonly ca: readonly string[];
  /** Certificates and keys that tell who we are, PEM. */
  readonly client: readonly { readonly cert: string; readonly key: string }[];
  /** Takes any certificate of the server. */
  readonly skipVerify: boolean;
  readonly dialMs?: number;
}

/** A host that serves a registry: itself, or a mirror of it. */
export interface Endpoint {
  /** Host and port that credentials are asked for. */
  readonly host: string;
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** Address of the API, `<origin>/v2` as a rule, without a slash at the end. */
  readonly api: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly headers: Readonly<Record<string, string>>;
  readonly connection?: Connection;
  /** Host of references that a mirror is asked for, told as `ns=`. */
  readonly namespace?: string;
}

const DOCKER_HUB = new Set(['docker.io', 'index.docker.io']);
const DOCKER_HUB_API = 'registry-1.docker.io';

/** https, but for loopback hosts and where plain http was asked for; Docker Hub's API has a host of its own. */
export function endpointOf(host: string, plainHttp: boolean, connection?: Connection): Endpoint {
  const hub = DOCKER_HUB.has(host);
  const tls = hub || connection !== undefined || !(plainHttp || isLoopback(host));
  const { origin } = new URL(`${tls ? 'https' : 'http'}://${hub ? DOCKER_HUB_API : host}`);
  return {
    host,
    origin,
    api: `${origin}/v2`,
    capabilities: ALL_CAPABILITIES,
    headers: {},
    ...(connection && { connection }),
  };
}

/** True where `host` of an address is the registry that references call `name`. */
export function servesItself(host: string, name: string): boolean {
  return host === name || (DOCKER_HUB.has(name) && host === DOCKER_HUB_API);
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
