import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { DaemonError, isErrno } from '../base/errors.js';

/** Where programs are looked up: never in the PATH that we were started with, and never inside of a container. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'EACCES') || isErrno(cause, 'ENOTDIR')) return false;
    throw cause;
  }
}

/** Absolute path of a program by its name, or the path it is; undefined if it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  if (isAbsolute(name)) return (await isProgram(name)) ? name : undefined;
  for (const directory of SYSTEM_PATH.split(':')) {
    const path = join(directory, name);
    if (await isProgram(path)) return path;
  }
  return undefined;
}

/** @throws not-found: no such program. invalid-argument: a relative path, which would depend on where we run. */
export async function resolveProgram(file: string): Promise<string> {
  if (isAbsolute(file)) return file;
  if (file.includes('/')) throw new DaemonError('invalid-argument', `program ${file}: give its absolute path`);
  const found = await findProgram(file);
  if (found === undefined) {
    throw new DaemonError(
      'not-found',
      `program ${file} is not in ${SYSTEM_PATH}: install it, or give its absolute path`,
    );
  }
  return found;
}
