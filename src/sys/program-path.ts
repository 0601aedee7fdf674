import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { DaemonError, isErrno } from '../base/errors.js';

/** Where programs are looked up: never in the PATH that we were started with, and never inside of a container. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function isProgram(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'EACCES') || isErrno(cause, 'ENOTDIR')) return false;
    throw cause;
  }
}

/** Absolute path of a program by its name, or the path it is; undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return isProgram(name) ? name : undefined;
  for (const directory of SYSTEM_PATH.split(':')) {
    const path = join(directory, name);
    if (isProgram(path)) return path;
  }
  return undefined;
}

/** @throws not-found: no such program. invalid-argument: a relative path, which would depend on where we run. */
export function resolveProgram(file: string): string {
  if (isAbsolute(file)) return file;
  if (file.includes('/')) throw new DaemonError('invalid-argument', `program ${file}: give its absolute path`);
  const found = findProgram(file);
  if (found === undefined) {
    throw new DaemonError(
      'not-found',
      `program ${file} is not in ${SYSTEM_PATH}: install it, or give its absolute path`,
    );
  }
  return found;
}
