import { chmod, mkdir, stat } from 'node:fs/promises';

/** Makes a directory, and those above it, with just this mode whatever the umask; one that is there gets the mode. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode });
  if (((await stat(path)).mode & 0o777) !== mode) await chmod(path, mode);
}
