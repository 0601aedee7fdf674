import fc from 'fast-check';
import type { Entry } from './image.js';
import type { TreeMember } from './tree.js';

export type Tree = Record<string, TreeMember>;

/** Attributes that are not looked at in the trees of stacks. */
export const STACK_XATTRS_SKIPPED = ['trusted.', 'system.', 'security.'];

/** What engines make different things of. */
export interface StackShape {
  /** Entries beneath links. */
  readonly beneathLinks: boolean;
  /** Hard links to files of lower layers. */
  readonly lowerLinks: boolean;
  /** Deletions in directories that the layers below do not have, or over directories that the layer has and does not describe. */
  readonly strayDeletions: boolean;
}

/** Random stacks of layers, lowest first. */
export function stacksOf({ beneathLinks, lowerLinks, strayDeletions }: StackShape): fc.Arbitrary<Entry[][]> {
  const folder = fc
    .array(fc.constantFrom(...(beneathLinks ? ['d', 'e', 'd', 'e', 'l'] : ['d', 'e'])), { maxLength: 2 })
    .map((parts) => parts.map((part) => `${part}/`).join(''));
  const named = (...names: string[]) =>
    fc.tuple(folder, fc.constantFrom(...names)).map(([above, last]) => above + last);
  const anyPath = named('d', 'e', 'f', 'g', 'l', 'm');
  const linkTarget = fc.oneof(
    named('d', 'e', 'f'),
    named('d', 'e', 'f').map((target) => `/${target}`),
    named('d', 'e', 'f').map((target) => `../${target}`),
    fc.constantFrom('.', '..', '/', 'nowhere/at/all'),
  );
  const owner = fc.record({
    uid: fc.nat(70_000),
    gid: fc.nat(70_000),
    mtime: fc.integer({ min: 1, max: 1_600_000_000 }),
  });
  const mode = fc.integer({ min: 0, max: 0o7777 });

  /** Without set-group-ID, which directories that nobody describes would take over from the one above. */
  const folderMode = mode.map((bits) => bits & 0o5777);
  const directory = fc
    .tuple(named('d', 'e'), owner, folderMode)
    .map(([path, own, bits]): Entry => ({ path, type: 'directory', mode: bits, ...own }));
  const file = fc
    .tuple(named('f', 'g', 'h'), owner, mode, fc.string({ maxLength: 40 }), fc.boolean())
    .map(([path, own, bits, data, marked]): Entry => ({
      path,
      mode: bits,
      data,
      ...own,
      ...(marked ? { xattrs: { 'user.mark': 'x' } } : {}),
    }));
  const symlink = fc
    .tuple(named('l', 'm'), owner, linkTarget)
    .map(([path, own, target]): Entry => ({ path, type: 'symlink', target, ...own }));
  /** The number chooses among the files so far. */
  const hardLink = fc
    .tuple(named('h', 'i'), fc.nat(99))
    .map(([path, target]): Entry => ({ path, type: 'link', target: String(target) }));
  const fifo = fc
    .tuple(named('p'), owner, mode)
    .map(([path, own, bits]): Entry => ({ path, type: 'fifo', mode: bits, ...own }));
  /** A path that changes its type. */
  const other = fc
    .tuple(anyPath, owner, mode)
    .map(([path, own, bits]): Entry => ({ path, mode: bits, data: 'other', ...own }));
  const whiteout = anyPath.map((path): Entry => ({ path: path.replace(/[^/]+$/, (last) => `.wh.${last}`) }));
  const opaque = named('d', 'e').map((path): Entry => ({ path: `${path}/.wh..wh..opq` }));

  const entry = fc.oneof(
    ...[directory, directory, directory, file, file, file, symlink, hardLink, fifo, whiteout, whiteout, opaque],
    { weight: 1, arbitrary: other },
  );

  /** One place is described once in a layer: what its order would decide differs between unpackers. */
  const layer = fc.uniqueArray(entry, {
    minLength: 1,
    maxLength: 8,
    selector: ({ path }) => path.replace(/\.wh\.(?!\.wh)/, ''),
  });
  const stack = fc
    .array(layer, { minLength: 1, maxLength: 4 })
    .map((layers) => layers.map(deletionsFirst))
    .map((layers) => withTargets(layers, lowerLinks));
  return strayDeletions ? stack : stack.map(withoutStrayDeletions);
}

/** Deletions first: what becomes of directories that nobody describes when they come after is anybody's guess. */
function deletionsFirst(entries: readonly Entry[]): readonly Entry[] {
  const isMark = ({ path }: Entry) => path.includes('.wh.');
  return [...entries.filter(isMark), ...entries.filter((each) => !isMark(each))];
}

/**
 * Leaves deletions out where the layers below have no directory that they could be in, as containerd makes one, and where the layer has
 * something in a directory beneath that it does not describe, as containerd gives that one what the deleted directory had.
 */
function withoutStrayDeletions(layers: readonly (readonly Entry[])[]): Entry[][] {
  const folders = new Set(['']);
  const drop = (path: string) => {
    for (const each of folders) if (each !== '' && `${each}/`.startsWith(`${path}/`)) folders.delete(each);
  };
  return layers.map((entries) => {
    const marks = entries.filter(({ path }) => path.includes('.wh.')).map(({ path }) => path);
    const isHidden = (dir: string) =>
      marks.some((mark) => `${dir}/`.startsWith(hiddenBy(mark)) && dir !== parentOf(mark));
    const described = new Set(entries.filter(({ type }) => type === 'directory').map(({ path }) => path));
    const isDescribed = (dir: string, mark: string) => described.has(dir) || (isOpaque(mark) && dir === parentOf(mark));
    const kept = entries.filter(
      ({ path: mark }) =>
        !mark.includes('.wh.') ||
        (folders.has(parentOf(mark)) &&
          !isHidden(parentOf(mark)) &&
          entries.every(({ path }) => !path.startsWith(hiddenBy(mark)) || isDescribed(parentOf(path), mark))),
    );
    for (const { path, type } of kept) {
      const parent = parentOf(path);
      if (isOpaque(path)) {
        drop(parent);
        folders.add(parent);
      } else if (path.includes('.wh.')) drop(path.replace('.wh.', ''));
      else {
        for (let above = parent; above !== ''; above = parentOf(above)) folders.add(above);
        if (type === 'directory') folders.add(path);
        else drop(path);
      }
    }
    return kept;
  });
}

function isOpaque(mark: string): boolean {
  return mark.endsWith('.wh..wh..opq');
}

/** What a mark deletes begins with this, a slash at its end. */
function hiddenBy(mark: string): string {
  return isOpaque(mark) ? `${parentOf(mark)}/` : `${mark.replace('.wh.', '')}/`;
}

function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/**
 * Gives every hard link a file that came before it. One within its layer has the metadata of the file, as tar writes it: containerd
 * gives the file what the link says.
 */
function withTargets(layers: readonly (readonly Entry[])[], lowerLinks: boolean): Entry[][] {
  const files: Entry[] = [];
  return layers.map((entries) => {
    if (!lowerLinks) files.length = 0;
    return entries.flatMap((each): Entry[] => {
      if (each.type === undefined && !each.path.includes('.wh.')) files.push(each);
      if (each.type !== 'link') return [each];
      const target = files[Number(each.target) % Math.max(files.length, 1)];
      if (target === undefined || target.path === each.path) return [];
      const { data: _, ...metadata } = target;
      return [{ ...(lowerLinks ? each : metadata), path: each.path, type: 'link', target: target.path }];
    });
  });
}

/** Times of now and of 1970 are those that nobody gave. */
export function settled(tree: Tree): Tree {
  const recent = BigInt(Date.now() - 3_600_000) * 1_000_000n;
  return Object.fromEntries(
    Object.entries(tree).map(([at, member]) => {
      const given = at !== '.' && BigInt(member.mtime) > 0n && BigInt(member.mtime) < recent;
      return [at, given ? member : { ...member, mtime: '' }];
    }),
  );
}

/** umoci leaves the time of its work on a directory in which it had to make another. */
export function timesAs(tree: Tree, expected: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([at, member]) => [at, expected[at]?.mtime === '' ? { ...member, mtime: '' } : member]),
  );
}

/**
 * containerd gives a directory that a layer needs and does not describe what a lower layer says of it, also where a layer between has
 * deleted that: such directories get here what is expected of them.
 */
export function inventedAs(tree: Tree, expected: Tree, layers: readonly (readonly Entry[])[]): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([at, member]) => {
      const { mode, owner, xattrs } = expected[at] ?? member;
      return [at, isInventedAnew(at, layers) ? { ...member, mode, owner, xattrs } : member];
    }),
  );
}

/** Whether a path was deleted and, from that layer on, described by none. */
function isInventedAnew(path: string, layers: readonly (readonly Entry[])[]): boolean {
  const last = layers.findLastIndex((layer) => layer.some((entry) => deletes(entry.path, path)));
  return last >= 0 && !layers.slice(last).some((layer) => layer.some((entry) => entry.path === path));
}

function deletes(entry: string, path: string): boolean {
  const [, folder = '', name = ''] = /^(?:(.*)\/)?\.wh\.(.+)$/.exec(entry) ?? [];
  if (name === '') return false;
  if (name === '.wh..opq') return folder === '' || path.startsWith(`${folder}/`);
  const hidden = folder === '' ? name : `${folder}/${name}`;
  return path === hidden || path.startsWith(`${hidden}/`);
}
