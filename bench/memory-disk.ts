import { Teardown } from '../src/base/teardown.js';
import { output } from '../test/support/run.js';
import { tempDir } from '../test/support/temp-dir.js';
import type { LoopDisk } from './loop-disk.js';

const STATE_BYTES = 256 * 1024 ** 2;

/** A file system in memory, for figures that are not about disks: what it takes to fill a store would be flushes alone. */
export function openMemoryDisk(sizeBytes: number): Promise<LoopDisk> {
  return Teardown.build(async (down) => {
    const { path } = down.own(await tempDir(undefined, 'wharfd-bench-memory-'));
    await output('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path]);
    down.add(async () => {
      await output('umount', [path]);
    });
    return { path, [Symbol.asyncDispose]: () => down.run() };
  });
}

/** For the state directory of an engine: as /run, whose default places they have, it is gone after a reboot. */
export function openStateDisk(): Promise<LoopDisk> {
  return openMemoryDisk(STATE_BYTES);
}
