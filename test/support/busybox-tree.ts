import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A directory that is the root file system of a container without an image: Debian's static busybox by some of its names. */
export async function makeBusyboxTree(root: string): Promise<string> {
  await mkdir(join(root, 'bin'), { recursive: true });
  for (const name of ['proc', 'sys', 'dev', 'etc', 'tmp']) await mkdir(join(root, name));
  await writeFile(join(root, 'bin/busybox'), await readFile('/bin/busybox'), { mode: 0o755 });
  for (const name of ['sh', 'cat', 'ip', 'nc', 'sleep', 'hostname', 'ls', 'echo', 'grep'])
    await symlink('busybox', join(root, 'bin', name));
  return root;
}
