import type { Entry } from './image.js';

/** Links followed before a path is taken as it is. */
const MAX_LINKS = 40;

/**
 * Leaves out deletions that a path leads to through a link which their own layer takes away, too: by the order of entries they count, by
 * the layer as a whole there is no such link (docs/design/0005-layers.md).
 *
 * @param layers Lowest first; deletions as files named `.wh.…`.
 */
export function withoutDoomedDeletions(layers: readonly (readonly Entry[])[]): Entry[][] {
  const links = new Map<string, string>();
  return layers.map((entries) => {
    const before = new Map(links);
    for (const entry of entries) put(entry, placeOf(entry, links), links);
    return entries.filter(({ path }) => {
      if (!path.includes('.wh.')) return true;
      const followed: string[] = [];
      follow(path.split('/').slice(0, -1), before, (link) => followed.push(link));
      return followed.every((link) => links.get(link) === before.get(link));
    });
  });
}

/**
 * Leaves out what describes a place that an earlier entry of its layer describes, where one of the two gets there through a link: by the
 * order of entries the later one counts, by the layer as a whole the one through the link (docs/design/0005-layers.md).
 *
 * @param layers Lowest first; deletions as files named `.wh.…`.
 */
export function withoutSecondDescriptions(layers: readonly (readonly Entry[])[]): Entry[][] {
  /** Where each link of the tree so far leads, by its place. */
  const links = new Map<string, string>();
  return layers.map((entries) => {
    const described = new Set<string>();
    return entries.filter((entry) => {
      const place = placeOf(entry, links);
      if (described.has(place)) return false;
      described.add(place);
      put(entry, place, links);
      return true;
    });
  });
}

function put(entry: Entry, place: string, links: Map<string, string>): void {
  const isOpaque = place.endsWith('/.wh..wh..opq');
  const gone = isOpaque ? place.slice(0, place.lastIndexOf('/')) : place;
  if (isOpaque || entry.type !== 'directory') {
    for (const link of links.keys()) if (link.startsWith(`${gone}/`)) links.delete(link);
  }
  links.delete(place);
  if (entry.type === 'symlink') links.set(place, entry.target ?? '');
}

/** Where an entry comes to lie, or what a mark deletes; for an opaque directory the mark in it, as the directory may be described too. */
function placeOf({ path }: Entry, links: ReadonlyMap<string, string>): string {
  const parts = path.replace(/\.wh\.(?!\.wh)/, '').split('/');
  const last = parts.pop() ?? '';
  return [...follow(parts, links), last].join('/');
}

/** A directory's place, inside the root whatever its links say. */
function follow(
  parts: readonly string[],
  links: ReadonlyMap<string, string>,
  onLink?: (place: string) => void,
): string[] {
  const todo = [...parts];
  let place: string[] = [];
  let followed = 0;
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      place = place.slice(0, -1);
      continue;
    }
    const here = [...place, part].join('/');
    const target = links.get(here);
    if (target === undefined || followed === MAX_LINKS) place = [...place, part];
    else {
      followed += 1;
      onLink?.(here);
      if (target.startsWith('/')) place = [];
      todo.unshift(...target.split('/'));
    }
  }
  return place;
}
