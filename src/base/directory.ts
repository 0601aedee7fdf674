import { access, chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { isErrno } from './errors.js';

/** Makes a directory, and those above it, with just this mode whatever the umask; one that is there gets the mode. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode });
  if (((await stat(path)).mode & 0o777) !== mode) await chmod(path, mode);
}

/** The names in a directory, in no order; none if it is not there. */
export async function namesIn(path: string): Promise<string[]> {
  return await readdir(path).catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return [];
    throw cause;
  });
}

/** Whether there is anything at a path; links are followed. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return false;
    throw cause;
  }
}
