import { readFile } from 'node:fs/promises';
import { output } from './run.js';

/** A line of mountinfo; see proc_pid_mountinfo(5). */
export interface MountRow {
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  /** The path within its file system that is mounted here. */
  readonly root: string;
  readonly superOptions: string;
}

/** The mounts that process `pid` sees, in the order of the table. */
export async function readMounts(pid: number | 'self' = 'self'): Promise<MountRow[]> {
  const text = await readFile(`/proc/${String(pid)}/mountinfo`, 'utf8');
  return text.split('\n').filter(Boolean).map(parseRow);
}

/** Those of `mounts` that lie at or below `dir`, are made of something there, or name it in their options. */
export function mountsOf(dir: string, mounts: readonly MountRow[]): MountRow[] {
  const names = (text: string): boolean => text === dir || text.includes(`${dir}/`);
  return mounts.filter(
    (row) => names(row.mountPoint) || names(row.source) || names(row.superOptions) || names(row.root),
  );
}

/** Unmounts all of {@link mountsOf} `dir`, the latest first, and returns where they were. */
export async function unmountBelow(dir: string): Promise<string[]> {
  const left = mountsOf(dir, await readMounts()).map((row) => row.mountPoint);
  for (const mountPoint of left.reverse()) await output('umount', ['--lazy', mountPoint]);
  return left;
}

function parseRow(line: string): MountRow {
  const [left = '', right = ''] = line.split(' - ', 2);
  const [, , , root = '', mountPoint = ''] = left.split(' ').map(unescapeOctal);
  const [type = '', source = '', superOptions = ''] = right.split(' ').map(unescapeOctal);
  return { mountPoint, type, source, root, superOptions };
}

/** Spaces, tabs, newlines and backslashes stand as `\040` and the like. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
