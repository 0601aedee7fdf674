import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { HostDevices } from '../../spec/runtime-spec-linux.js';
import type { HostDevice } from '../../spec/spec-resources.js';

/** Of these every container has its own. */
const OWN = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', 'core', 'ptmx', 'stdin', 'stdout', 'stderr', 'log']);
const DEPTH_MAX = 4;

/** The device files of this machine. */
export const HOST_DEVICES: HostDevices = {
  find(path) {
    const found = lookAt(path);
    if (found) return found;
    throw new DaemonError('invalid-argument', `device ${path} is no device file of the host`);
  },
  all: () => devicesBelow('/dev', 0),
};

function lookAt(path: string): HostDevice | undefined {
  try {
    const stat = statSync(path);
    const type = stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : undefined;
    if (!type) return undefined;
    const { mode, uid, gid } = stat;
    return { path, type, ...deviceNumbers(stat.rdev), mode: mode & 0o777, uid, gid };
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause;
    throw new DaemonError('not-found', `device ${path} is not there on the host`, { cause });
  }
}

/** A device number as the C library packs it (makedev(3)). */
function deviceNumbers(packed: number): { readonly major: number; readonly minor: number } {
  const number = BigInt(packed);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)),
    minor: Number((number & 0xffn) | ((number >> 12n) & 0xffffff00n)),
  };
}

function devicesBelow(dir: string, depth: number): HostDevice[] {
  if (depth > DEPTH_MAX) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (depth === 0 && OWN.has(entry.name)) return [];
    if (entry.isDirectory()) return devicesBelow(path, depth + 1);
    if (!entry.isBlockDevice() && !entry.isCharacterDevice()) return [];
    const found = lookAt(path);
    return found ? [found] : [];
  });
}
