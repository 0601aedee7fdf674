import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root.js';
import { run } from './run.js';

/**
 * The files of a Debian package below a folder, without installing it: fetched once, then kept in build/.
 *
 * @returns Why there is none, where it can't be fetched.
 */
export async function debianPackage(name: string): Promise<{ readonly root: string } | { readonly missing: string }> {
  const root = join(PACKAGE_ROOT, 'build/debian', name);
  if (await isFilled(root)) return { root };
  const work = `${root}.${process.pid}`;
  await mkdir(join(work, 'root'), { recursive: true });
  try {
    // Without a list of packages there is one to be fetched first.
    for (const command of ['true', 'apt-get -q update']) {
      const got = await run('sh', ['-c', `${command} && apt-get -q download ${name} && dpkg -x ./*.deb root`], {
        cwd: work,
        timeoutMs: 300_000,
      });
      if (got.code !== 0) continue;
      await rename(join(work, 'root'), root).catch(async (cause: unknown) => {
        // Another test was as quick.
        if (!(await isFilled(root))) throw cause;
      });
      return { root };
    }
    return { missing: `Debian's package ${name} can't be fetched here` };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function isFilled(root: string): Promise<boolean> {
  return (await readdir(root).catch(() => [])).length > 0;
}
