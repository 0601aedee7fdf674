import { DaemonError } from '../../base/errors.js';
import type { StoredObject } from '../gc/graph.js';

const DIGEST_BEGINNING = /^(?:[a-z0-9]+:)?[0-9a-f]{6,}$/;

/** Objects of a namespace that a user may mean by a name. @throws invalid-argument: several digests begin so. */
export function matching(objects: readonly StoredObject[], namespace: string, name: string): readonly StoredObject[] {
  const here = objects.filter((object) => object.namespace === namespace);
  const exact = here.filter((object) => nameOf(object) === name);
  if (exact.length > 0 || !DIGEST_BEGINNING.test(name)) return exact;
  const begun = here.filter((object) => {
    const full = nameOf(object);
    return full.startsWith(name) || full.slice(full.indexOf(':') + 1).startsWith(name);
  });
  const names = [...new Set(begun.map(nameOf))];
  if (names.length > 1) {
    const listed = names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');
    throw new DaemonError('invalid-argument', `${name} may be ${listed}: write more of it`);
  }
  return begun;
}

/** A snapshot's key has its snapshotter before it. */
function nameOf({ kind, key }: StoredObject): string {
  return kind === 'snapshot' ? key.slice(key.indexOf('/') + 1) : key;
}
