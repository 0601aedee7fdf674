import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dist } from '../../src/cli/dist/program.js';
import type { UsageReport } from '../../src/client/disk-usage.js';
import { runCommand } from './cli.js';
import type { TestDaemon } from './daemon.js';
import { output } from './run.js';

export const SNAPSHOTTERS = ['overlayfs', 'native'] as const;

/** Bytes of the files of the content store, and blocks of the layers' trees, by other programs than ours. */
export async function onDisk(daemon: TestDaemon): Promise<{ content: number; layers: number; count: number }> {
  let content = 0;
  const folder = join(daemon.root, 'content');
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) content += (await stat(join(entry.parentPath, entry.name))).size;
  }
  let [layers, count] = [0, 0];
  for (const snapshotter of SNAPSHOTTERS) {
    const snapshots = join(daemon.root, snapshotter, 'snapshots');
    for (const id of await readdir(snapshots)) {
      // One at a time: du counts what is linked into several of its arguments once.
      layers += Number.parseInt(await output('du', ['-s', '--block-size=1', join(snapshots, id, 'fs')]), 10);
      count += 1;
    }
  }
  return { content, layers, count };
}

/** `dist df` tells what those see. */
export async function assertUsageTrue(daemon: TestDaemon): Promise<UsageReport> {
  const report = JSON.parse((await runCommand(dist, daemon, ['df', '--json'])).stdout) as UsageReport;
  const { disk, total, images } = report;
  const there = await onDisk(daemon);
  assert.equal(disk.blobs.size + disk.ingests.size, there.content, 'content');
  assert.equal(disk.layers.size + disk.writable.size, there.layers, 'layers');
  assert.equal(disk.layers.count + disk.writable.count, there.count);
  assert.equal(total.shared + total.unique, total.packed + total.unpacked);
  for (const { packed, unpacked, shared, unique } of images) assert.equal(shared + unique, packed + unpacked);
  return report;
}
