import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../../src/base/errors.js';
import type { Image } from './image.js';
import { writeLayout } from './oci-layout.js';

/**
 * Makes an image, as an OCI layout in `dir` under the name `latest`. What is there already is kept as long as no package of the machine
 * changes.
 *
 * @param recipe A change of what the image holds needs a new number.
 */
export async function ensureLayout(dir: string, recipe: number, make: () => Promise<Image>): Promise<void> {
  const packages = await readFile('/var/lib/dpkg/status');
  const key = createHash('sha256').update(`${recipe}\n`).update(packages).digest('hex');
  if ((await readFile(join(dir, 'key'), 'utf8').catch(() => '')) === key) return;
  await mkdir(dirname(dir), { recursive: true });
  const made = await mkdtemp(`${dir}.`);
  try {
    await writeLayout(made, await make());
    await writeFile(join(made, 'key'), key);
    await rm(dir, { recursive: true, force: true });
    await rename(made, dir);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Another process has made the same at the same time.
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
  }
}
