import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

/** System calls whose effect outlives the process, and those by which points and transactions are seen. */
const CALLS = [
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'rename', 'renameat', 'renameat2', 'link', 'linkat'],
  ...['unlink', 'unlinkat', 'rmdir', 'mount', 'umount2', 'move_mount', 'access', 'pwrite64'],
];

/** The wrapper for a daemon whose effects are written to a file. */
export function tracingTo(path: string): readonly string[] {
  return ['strace', '-D', '-f', '--seccomp-bpf', '-y', '-s', '256', '-o', path, '-e', `trace=${CALLS.join(',')}`];
}

/** Something that has become durable, or a point that was passed. */
export interface Step {
  readonly kind: 'effect' | 'point';
  /** The point's name; of an effect, the name of the point that must follow it, or undefined where none is known. */
  readonly name: string | undefined;
  /** The system call, for people. */
  readonly call: string;
}

/**
 * Which point has to follow a call; the first row that fits counts, and an effect that no row knows is one without a point. `null`: no
 * effect of its own. The tree of a layer that has no row yet is nobody's, and counts as one with the flush and the transaction that name it.
 */
const POINTS: readonly (readonly [call: RegExp, point: string | null])[] = [
  [/^(fsync|fdatasync)\(\d+<[^>]*\/meta\.db(-wal|-journal)?>/, null], // part of the transaction
  [/^unlink\(".*\/meta\.db-(wal|shm|journal)"/, null],
  [/^(unlink|fsync)\(.*\/wharfd\.sock/, null],
  [/^fsync\(\d+<[^>]*\.new>/, 'the draft of a file is flushed'],
  [/^rename\("([^"]*)\.new", "\1"/, 'a file has its name'],
  [/^fsync\(\d+<[^>]*meta\.db\.reserve>/, 'room is set aside'],
  [/^fsync\(\d+<[^>]*\/content\/ingest\/[0-9a-f-]+>/, 'the bytes of a blob are flushed'],
  [/^fdatasync\(\d+<[^>]*\/content\/ingest\/[0-9a-f-]+>/, 'the bytes of an ingest are flushed'],
  [/^link\(".*\/content\/ingest\/[0-9a-f-]+", ".*\/content\/blobs\//, 'a blob has its name'],
  [/^unlink\(".*\/content\/ingest\/[0-9a-f-]+"/, 'an ingest file is removed'],
  [/^unlink\(".*\/content\/blobs\//, 'a blob is removed'],
  [/^fsync\(\d+<[^>]*\/(blobs|sha256|sha384|sha512|content|root)>/, 'the names in a directory are flushed'],
  [/^rename\(".*\/snapshots\/new-[^"]*", ".*\/snapshots\/\d+"/, 'the directory of a snapshot has its name'],
  [/^rename\(".*\/snapshots\/\d+", ".*\/snapshots\/rm-/, 'the directory of a snapshot is out of the way'],
  [/^unlinkat\(\d+<[^>]*\/snapshots>, "(rm|new)-[^"]*", AT_REMOVEDIR/, 'a directory is removed'],
  [/^unlinkat\(\d+<[^>]*\/snapshots\/(rm|new)-/, null], // on the way to the line above
  [/^syncfs\(/, 'a file system is flushed'],
  [/^unlink\(".*\/snapshots\/\d+\/checksums"/, null],
  [/^(unlink|unlinkat|rename|renameat2|linkat)\(.*\/snapshots\/\d+\/fs/, null],
  [/^(mount\("tmpfs", "[^"]*", "tmpfs", [A-Z_|]+, "mode=0700"\)|move_mount\(.*, "\d+", \w+\))/, null], // ends with a thread's namespace
  [/^(mount|move_mount)\(/, 'a mount is done'],
  [/^umount2\(/, 'a mount is undone'],
  [/^(rmdir|unlink)\(".*\/probe(\/|")/, null], // the next start clears what a probe has left
  [/^rmdir\(".*\/(apply|compare)\/[0-9a-f]+"/, 'a place of a mount is removed'],
  [/^rmdir\(".*\/logs\/[^/"]+\/[^/"]+"/, 'the log of a container is removed'],
  [/^unlink\(".*\/logs\//, null], // on the way to the line above
  [/^unlink\(".*\/compare\//, 'the spool of a diff is removed'],
  [/^unlink\(".*\/apply\//, 'the spool of a layer is removed'],
];

/** Of all points that follow what is known here. */
export const POINT_NAMES: readonly string[] = [
  'a transaction is kept',
  ...new Set(POINTS.flatMap(([, point]) => point ?? [])),
];

/** Where the daemon keeps what lasts, and where the points of its tests lie. */
interface TracedDirectories {
  readonly root: string;
  readonly points: string;
}

/** Reads what was traced: effects below `root`, of the daemon and of its children, by the time they were complete, and points. */
export async function readSteps(path: string, { root, points }: TracedDirectories): Promise<readonly Step[]> {
  const begun = new Map<string, string>();
  const steps: Step[] = [];
  for (const line of (await readFile(path, 'latin1')).split('\n')) {
    const [, pid = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) {
      begun.set(pid, text.slice(0, -'<unfinished ...>'.length));
      continue;
    }
    const call = text.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(pid) ?? '');
    const step = stepOf(call, { root, points });
    if (step) steps.push(step);
  }
  return steps;
}

function stepOf(call: string, { root, points }: TracedDirectories): Step | undefined {
  if (call.startsWith('access(')) {
    const [, path = ''] = /^access\("([^"]*)"/.exec(call) ?? [];
    if (!path.startsWith(`${points}/`)) return undefined;
    return { kind: 'point', name: path.slice(points.length + 1), call };
  }
  if (!/\)\s+= \d+/.test(call) || !call.includes(`${root}/`)) return undefined; // it did nothing, or elsewhere
  if (call.startsWith('pwrite64(')) {
    return isCommitFrame(call) ? { kind: 'effect', name: 'a transaction is kept', call } : undefined;
  }
  const row = POINTS.find(([pattern]) => pattern.test(call));
  return row?.[1] === null ? undefined : { kind: 'effect', name: row?.[1], call };
}

/** The last frame of a transaction tells the size of the database in its bytes 4 to 7 (sqlite.org/fileformat2.html, section 4.1). */
function isCommitFrame(call: string): boolean {
  const [, text] = /^pwrite64\(\d+<[^>]*\/meta\.db-wal>, "((?:[^"\\]|\\.)*)", 24,/.exec(call) ?? [];
  if (text === undefined) return false;
  const bytes = text.match(/\\[0-7]{1,3}|\\.|./gs) ?? [];
  return bytes.slice(4, 8).some((byte) => !/^\\0{1,3}$/.test(byte));
}

/** @throws AssertionError: an effect that no point follows, with its call. */
export function assertEachHasPoint(steps: readonly Step[]): void {
  const waiting = new Map<string, string[]>();
  for (const { kind, name, call } of steps) {
    assert.ok(name !== undefined, `no point is known for ${call}`);
    const calls = waiting.get(name) ?? [];
    waiting.set(name, calls);
    if (kind === 'effect') calls.push(call);
    else calls.shift();
  }
  for (const [name, calls] of waiting) assert.deepEqual(calls, [], `effects that "${name}" does not follow`);
}
