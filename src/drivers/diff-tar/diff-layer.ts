import { createHash } from 'node:crypto';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DaemonError } from '../../base/errors.js';
import type { DiffedLayer, DiffLayerRequest, DiffSides, ListedChange } from '../../core/diff/layer-tasks.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import type { Programs } from '../../core/kernel/programs.js';
import { MergedView } from '../../core/rootfs/merged-view.js';
import { finishDigest } from '../../spec/digest.js';
import type { ChangeSet } from './change-set.js';
import { layerTar } from './layer-tar.js';
import { treeChanges } from './tree-changes.js';
import { upperChanges } from './upper-changes.js';

/** What making a layer needs of the kernel. */
export interface PackKernel {
  readonly files: DirectoryFiles;
  readonly programs: Programs;
}

/**
 * Writes the difference of two trees as a layer, in this thread.
 *
 * @param check Throws when the work is to stop.
 * @returns Undefined when the upper directory does not tell: the mounted trees do.
 */
export async function diffLayer(
  kernel: PackKernel,
  request: DiffLayerRequest,
  check: () => void,
): Promise<DiffedLayer | undefined> {
  const { sides, spool, packing, latestTime } = request;
  const changes = changesOf(kernel.files, sides, check);
  if (changes === undefined) return undefined;
  const hash = createHash('sha256');
  let tarBytes = 0;
  function* hashed(): Generator<Buffer> {
    for (const chunk of layerTar(kernel.files, {
      directory: rightOf(sides),
      changes: changes?.sorted() ?? [],
      latestTime,
      mapping: sides.mapping,
    })) {
      check();
      hash.update(chunk);
      tarBytes += chunk.length;
      yield chunk;
    }
  }
  await pack(kernel, Readable.from(hashed(), { objectMode: false, highWaterMark: 1 }), spool, packing);
  return { diffId: finishDigest('sha256', hash), tarBytes };
}

/** The paths in which two trees differ, in the order of a layer. @returns Undefined as diffLayer does. */
export function listChanges(files: DirectoryFiles, sides: DiffSides, check: () => void): ListedChange[] | undefined {
  const changes = changesOf(files, sides, check)?.sorted();
  if (changes === undefined) return undefined;
  const lower = sides.kind === 'upper' ? sides.lower : sides.left === undefined ? [] : [sides.left];
  using before = new MergedView(files, lower);
  const was = (path: string): boolean => before.with(path === '' ? [] : path.split('/'), () => true) === true;
  const listed = changes.flatMap(({ path, kind, opaque }): ListedChange[] => {
    check();
    if (kind === 'removed') return was(path) ? [{ path, kind: 'deleted' }] : [];
    const own: ListedChange = { path, kind: was(path) ? 'modified' : 'added' };
    return opaque && own.kind === 'modified' ? [{ path, kind: 'replaced' }] : [own];
  });
  return listed;
}

function changesOf(files: DirectoryFiles, sides: DiffSides, check: () => void): ChangeSet | undefined {
  if (sides.kind === 'trees') return treeChanges(files, sides, check);
  const [nearest] = sides.lower;
  if (nearest === undefined) throw new DaemonError('internal', 'an upper directory without a layer below it');
  return upperChanges(files, { upper: sides.upper, lower: nearest, mapping: sides.mapping }, check);
}

function rightOf(sides: DiffSides): string {
  return sides.kind === 'upper' ? sides.upper : sides.right;
}

async function pack(
  kernel: PackKernel,
  tar: Readable,
  spool: string,
  packing: DiffLayerRequest['packing'],
): Promise<void> {
  if (packing === 'zstd') return packByZstd(kernel, tar, spool);
  const file = createWriteStream(spool, { flags: 'wx', mode: 0o600 });
  if (packing === 'gzip') await pipeline(tar, createGzip(), file);
  else await pipeline(tar, file);
}

async function packByZstd({ programs }: PackKernel, tar: Readable, spool: string): Promise<void> {
  const zstd = await programs.find('zstd');
  if (zstd === undefined) {
    tar.destroy();
    throw new DaemonError(
      'failed-precondition',
      'the program zstd is missing: install the package zstd, or ask for gzip',
    );
  }
  const stdout = openSync(spool, 'wx', 0o600);
  try {
    await using running = await programs.start(zstd, ['-cq'], { stdin: 'pipe', stdout, stderr: 'ignore' });
    if (running.stdin === undefined) throw new DaemonError('internal', 'zstd was started without its input');
    await pipeline(tar, running.stdin);
    const { code } = await running.ended;
    if (code !== 0) throw new DaemonError('internal', `zstd ended with ${code} while it packed the layer`);
  } finally {
    closeSync(stdout);
  }
}
