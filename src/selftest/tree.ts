import { lstatSync, readFileSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import type { DirectoryFiles } from '../core/kernel/directory-files.js';

/** What is seen of one file without following anything. */
export interface Seen {
  readonly stat: BigIntStats;
  /** Bytes of a file as latin1, target of a link, empty for others. */
  readonly content: string;
  readonly xattrs: readonly string[];
}

/** Everything in a tree by path, latin1 of its bytes; the top is the empty path. */
export function seeTree(files: DirectoryFiles, top: string): Map<string, Seen> {
  const found = new Map<string, Seen>();
  const above = files.openDirectory(top);
  const visit = (path: Buffer): void => {
    const stat = lstatSync(path, { bigint: true });
    const content = stat.isFile() ? readFileSync(path, 'latin1') : stat.isSymbolicLink() ? readlinkSync(path) : '';
    const inner = path.subarray(Buffer.byteLength(top) + 1);
    const xattrs = files.listXattrs(above, inner.length === 0 ? '.' : inner).map(String);
    found.set(inner.toString('latin1'), { stat, content, xattrs });
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(path, { encoding: 'buffer' })) visit(Buffer.concat([path, Buffer.from('/'), name]));
  };
  try {
    visit(Buffer.from(top));
  } finally {
    files.close(above);
  }
  return found;
}

/** A tree as text that changes when anybody has so much as touched it: content, inode numbers, change times. */
export function fingerprint(files: DirectoryFiles, top: string): string {
  const lines = [...seeTree(files, top)].map(([path, { stat, content, xattrs }]) => {
    const { ino, ctimeNs, nlink, mode, uid } = stat;
    return JSON.stringify([path, content, xattrs, ...[ino, ctimeNs, nlink, mode, uid].map(String)]);
  });
  return lines.join('\n');
}
