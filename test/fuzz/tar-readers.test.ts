import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { TarEntry } from '../../src/drivers/diff-tar/tar-entry.js';
import { randomArchive } from './random-archive.js';
import { Random } from './random.js';
import { parseInPieces } from './tar-run.js';

const RUNS = process.env['WHARFD_TEST_FULL'] === '1' ? 5000 : 400;
/** Further ones than other tests of the fuzzer take. */
const FIRST_SEED = 1_000_000;
const LETTERS = { file: '-', directory: 'd', symlink: 'l', hardlink: 'h', char: 'c', block: 'b', fifo: 'p' } as const;
/** How `--quoting-style=escape` writes control characters. */
const ESCAPES: ReadonlyMap<number, string> = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [92, '\\\\'],
]);

function escaped(name: Buffer): string {
  const text = (byte: number) =>
    byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte);
  return [...name].map((byte) => ESCAPES.get(byte) ?? text(byte)).join('');
}

/** As `tar -tv --full-time` tells a time; whole seconds without a fraction. */
function timeText({ seconds, nanoseconds }: TarEntry['mtime']): string {
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ') + fraction;
}

function told({ type, uid, gid, sizeBytes, mtime, name, link }: TarEntry): string {
  const target = { symlink: ` -> ${escaped(link)}`, hardlink: ` link to ${escaped(link)}` };
  const suffix = type === 'symlink' || type === 'hardlink' ? target[type] : '';
  const size = type === 'file' ? sizeBytes : '';
  return [LETTERS[type], uid, gid, size, timeText(mtime), escaped(name) + suffix].join(' ');
}

/** The oldest archives have directories as files with a slash at the end: readers differ in where they look for it. */
function withoutOldForm(line: string): string {
  return line.replace(/^[-d] (\d+ \d+) \d* (.*\/)$/, 'd $1  $2');
}

/** What GNU tar tells of an archive, in our words; undefined when it complains of anything. */
function toldByGnuTar(archive: Buffer): string[] | undefined {
  const { status, stdout, stderr } = spawnSync(
    'tar',
    ['-tv', '-P', '--numeric-owner', '--full-time', '--quoting-style=escape'],
    { input: archive, env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' } },
  );
  assert.notEqual(status, null, 'GNU tar ran to its end');
  if (status !== 0 || stderr.length > 0) return undefined;
  const lines = stdout.toString('latin1').split('\n');
  return lines.slice(0, -1).map((line) => {
    const [, mode = '', uid, gid, size, time, name] = /^(\S+) +(\d+)\/(\d+) +(\S+) (\S+ \S+) +(.*)$/.exec(line) ?? [];
    // A contiguous file is an ordinary one to everybody today.
    const letter = mode.startsWith('C') ? '-' : mode.charAt(0);
    return [letter, uid, gid, letter === '-' ? size : '', time, name].join(' ');
  });
}

test(`${RUNS} random archives: what both GNU tar and we read without complaint, we read alike`, (t) => {
  const endings = { alike: 0, members: 0, refused: 0, complained: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
    const archive = randomArchive(new Random(seed));
    const { members, error } = parseInPieces(archive, () => archive.length, 1 << 20);
    if (error !== undefined) {
      endings.refused += 1;
      continue;
    }
    const theirs = toldByGnuTar(archive);
    if (theirs === undefined) {
      endings.complained += 1;
      continue;
    }
    const ours = members.map(({ entry }) => told(entry));
    assert.deepEqual(ours.map(withoutOldForm), theirs.map(withoutOldForm), `seed ${seed}`);
    endings.alike += 1;
    endings.members += members.length;
  }
  t.diagnostic(JSON.stringify(endings));
  assert.ok(endings.alike > RUNS / 5 && endings.members > RUNS / 5, 'hardly any archive was read by both');
});
