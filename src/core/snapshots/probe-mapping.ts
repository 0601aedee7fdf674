import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Scratch } from '../diff/scratch.js';
import { mappingOptions } from '../kernel/mount-mapping.js';
import type { Mounts } from '../kernel/mounts.js';
import type { SnapshotBackend } from './snapshot-backend.js';

const HOST_ID = 100_000;
const RANGES = [{ containerId: 0, hostId: HOST_ID, size: 1 }];
const OPTIONS = mappingOptions({ uids: RANGES, gids: RANGES });

/**
 * Whether the kernel shows mapped owners of what a backend keeps, found out by doing it: an overlay of mapped directories takes Linux 5.19,
 * and a file system that can be mapped at all.
 */
export async function canMapOwners(mounts: Mounts, { root, layering }: SnapshotBackend): Promise<boolean> {
  const folder = join(root, 'probe');
  const scratch = new Scratch(join(folder, 'mounts'), mounts);
  await scratch.clean();
  const lower = [join(folder, 'a'), join(folder, 'b')];
  for (const path of lower) await mkdir(join(path, 'file'), { recursive: true, mode: 0o700 });
  const mount =
    layering === 'whole'
      ? { type: 'bind', source: join(folder, 'a'), options: [...OPTIONS, 'ro'] }
      : { type: 'overlay', source: 'overlay', options: [...OPTIONS, `lowerdir=${lower.join(':')}`] };
  try {
    return await scratch.mounted([mount], async (path) => (await stat(join(path, 'file'))).uid === HOST_ID);
  } catch {
    return false;
  } finally {
    await scratch.clean();
    await rm(folder, { recursive: true, force: true });
  }
}
