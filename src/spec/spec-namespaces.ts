import { DaemonError } from '../base/errors.js';
import type { NamespaceType } from './runtime-spec.js';

/** Kinds of namespaces that can be shared. */
export type SharedKind = 'pid' | 'ipc' | 'uts' | 'network' | 'cgroup';

/** A container's own one, the host's, or that of a file. */
export type NamespacePlace = 'private' | 'host' | { readonly path: string };

const KINDS: readonly SharedKind[] = ['pid', 'ipc', 'uts', 'network', 'cgroup'];

/** How a kind is asked for. */
export type NamespaceWish = NamespacePlace | { readonly container: string };

/** Reads the wishes. @throws invalid-argument: a kind or a place that is none. */
export function parseNamespaces(wishes: Readonly<Record<string, string>>): ReadonlyMap<SharedKind, NamespaceWish> {
  const parsed = new Map<SharedKind, NamespaceWish>();
  for (const [name, text] of Object.entries(wishes)) {
    const kind = KINDS.find((each) => each === name);
    if (!kind)
      throw new DaemonError(
        'invalid-argument',
        `namespace ${JSON.stringify(name.slice(0, 40))} is not one of ${KINDS.join(', ')}`,
      );
    parsed.set(kind, parsePlace(kind, text));
  }
  return parsed;
}

function parsePlace(kind: SharedKind, text: string): NamespaceWish {
  if (text === 'private' || text === 'host') return text;
  if (text.startsWith('container:') && text.length > 10) return { container: text.slice(10) };
  if (text.startsWith('/') && !text.includes('\0')) return { path: text };
  throw new DaemonError(
    'invalid-argument',
    `${kind} namespace ${JSON.stringify(text.slice(0, 80))} is not host, private, container:ID, or an absolute path`,
  );
}

/** The file that a process has a namespace by (namespaces(7)). */
export function namespaceFile(pid: number, kind: SharedKind): string {
  return `/proc/${pid}/ns/${kind === 'network' ? 'net' : kind}`;
}

/** linux.namespaces of the runtime spec. */
export function namespacesOf(
  places: ReadonlyMap<SharedKind, NamespacePlace>,
  options: { readonly cgroup: boolean; readonly user: boolean },
): { readonly type: NamespaceType; readonly path?: string }[] {
  const shared = KINDS.flatMap((type) => {
    const place = places.get(type) ?? (type === 'cgroup' && !options.cgroup ? 'host' : 'private');
    if (place === 'host') return [];
    return [place === 'private' ? { type } : { type, path: place.path }];
  });
  return [{ type: 'mount' }, ...shared, ...(options.user ? [{ type: 'user' } as const] : [])];
}
