import { isObject } from './cni-config.js';

/** Addresses and name servers of a result, as far as they are there (CNI specification 1.0, section 5). */
export interface ResultFacts {
  /** Without the length of their prefix. */
  readonly addresses: readonly string[];
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
}

export function factsOf(result: unknown): ResultFacts {
  const { ips, dns } = isObject(result) ? result : {};
  const addresses = (Array.isArray(ips) ? (ips as unknown[]) : []).flatMap((ip) => {
    const address = isObject(ip) ? ip['address'] : undefined;
    return typeof address === 'string' ? [address.replace(/\/\d+$/, '')] : [];
  });
  const { nameservers, search } = isObject(dns) ? dns : {};
  return { addresses, nameservers: textsOf(nameservers), search: textsOf(search) };
}

/** /etc/hosts of a container. */
export function hostsFile(hostname: string, addresses: readonly string[]): string {
  const fixed = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];
  return `${[...fixed, ...addresses.map((address) => `${address}\t${hostname}`)].join('\n')}\n`;
}

/** /etc/resolv.conf of a container: as the network says, else as the host's, without servers that only the host can reach. */
export function resolvFile(facts: ResultFacts, ofHost: string): string {
  const { nameservers, search } = facts;
  if (nameservers.length > 0) {
    const lines = [
      ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
      ...nameservers.map((each) => `nameserver ${each}`),
    ];
    return `${lines.join('\n')}\n`;
  }
  const lines = ofHost.split('\n').filter((line) => !/^\s*nameserver\s+(?:127\.|::1\b)/.test(line));
  return lines.join('\n');
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.filter((each): each is string => typeof each === 'string' && /^[\w.:%-]+$/.test(each))
    : [];
}
