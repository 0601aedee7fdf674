import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonError } from './errors.js';

/**
 * Where the build put a native program or addon: `native/` beside the compiled code, or build/native when run from the sources.
 *
 * @throws failed-precondition: it was not built.
 */
export function nativePath(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let dir = here; dir !== dirname(dir); dir = dirname(dir)) {
    for (const path of [join(dir, 'native', name), join(dir, 'build', 'native', name)])
      if (existsSync(path)) return path;
  }
  throw new DaemonError('failed-precondition', `${name} is not there: run "make build", or install wharfd again`);
}
