import { DaemonError } from '../base/errors.js';

/** What a list of fstab-style options asks of the kernel. */
export interface MountRequest {
  /** A bind mount: `one` mount, or `all` those below its source too. */
  readonly bind: 'one' | 'all' | undefined;
  /** MS_… for mount(2). */
  readonly flags: number;
  /** MOUNT_ATTR_… to set and to clear on the one mount. */
  readonly set: number;
  readonly clear: number;
  /** The same for the mount and all below it (`rro` and its like). */
  readonly setBelow: number;
  readonly clearBelow: number;
  /** MS_SHARED, MS_PRIVATE, …, 0 to leave it; for all mounts below too if `propagateBelow`. */
  readonly propagation: number;
  readonly propagateBelow: boolean;
  /** Options for the file system itself. */
  readonly data: readonly string[];
}

/** Flag of mount(2), and attributes of mount_setattr(2) (linux/mount.h): to set, and to clear first. */
interface Flag {
  readonly ms: number;
  readonly set: number;
  readonly clear: number;
}

const ATTR_ACCESS_TIME = 0x70;

const on = (ms: number, attribute: number): Flag => ({ ms, set: attribute, clear: 0 });
const off = (ms: number, attribute: number): Flag => ({ ms: -ms, set: 0, clear: attribute });
const accessTime = (ms: number, attribute: number): Flag => ({ ms, set: attribute, clear: ATTR_ACCESS_TIME });

/** What a mount of its own can have. `ms` below zero takes the flag away. */
const MOUNT_FLAGS: ReadonlyMap<string, Flag> = new Map([
  ['ro', on(1, 0x1)],
  ['rw', off(1, 0x1)],
  ['nosuid', on(2, 0x2)],
  ['suid', off(2, 0x2)],
  ['nodev', on(4, 0x4)],
  ['dev', off(4, 0x4)],
  ['noexec', on(8, 0x8)],
  ['exec', off(8, 0x8)],
  ['nosymfollow', on(1 << 8, 0x200000)],
  ['symfollow', off(1 << 8, 0x200000)],
  ['nodiratime', on(1 << 11, 0x80)],
  ['diratime', off(1 << 11, 0x80)],
  ['noatime', accessTime(1 << 10, 0x10)],
  ['atime', accessTime(-(1 << 10), 0)],
  ['relatime', accessTime(1 << 21, 0)],
  ['norelatime', accessTime(-(1 << 21), 0)],
  ['strictatime', accessTime(1 << 24, 0x20)],
  ['nostrictatime', accessTime(-(1 << 24), 0)],
]);

/** What belongs to the whole file system, so mount(2) alone knows it. */
const FILE_SYSTEM_FLAGS: ReadonlyMap<string, number> = new Map([
  ['sync', 1 << 4],
  ['async', -(1 << 4)],
  ['dirsync', 1 << 7],
  ['lazytime', 1 << 25],
  ['nolazytime', -(1 << 25)],
  ['silent', 1 << 15],
  ['loud', -(1 << 15)],
  ['defaults', 0],
]);

const PROPAGATIONS: ReadonlyMap<string, number> = new Map([
  ['unbindable', 1 << 17],
  ['private', 1 << 18],
  ['slave', 1 << 19],
  ['shared', 1 << 20],
]);

function merge(flags: number, change: number): number {
  return change < 0 ? flags & ~-change : flags | change;
}

class Request implements MountRequest {
  bind: 'one' | 'all' | undefined;
  flags = 0;
  set = 0;
  clear = 0;
  setBelow = 0;
  clearBelow = 0;
  propagation = 0;
  propagateBelow = false;
  readonly data: string[] = [];

  add(option: string): void {
    if (option === 'bind' || option === 'rbind') this.bind = option === 'bind' ? 'one' : 'all';
    else if (!this.#addFlag(option) && !this.#addPropagation(option)) this.data.push(option);
  }

  #addFlag(option: string): boolean {
    const flag = MOUNT_FLAGS.get(option);
    if (flag !== undefined) {
      this.flags = merge(this.flags, flag.ms);
      this.set = (this.set & ~flag.clear) | flag.set;
      this.clear = (this.clear & ~flag.set) | flag.clear;
      return true;
    }
    const ofFileSystem = FILE_SYSTEM_FLAGS.get(option);
    if (ofFileSystem !== undefined) this.flags = merge(this.flags, ofFileSystem);
    return ofFileSystem !== undefined || this.#addBelow(option);
  }

  /** `rro`, `rnosuid`, …: an `r` before a flag that is none of its own with it. */
  #addBelow(option: string): boolean {
    const flag = option.startsWith('r') ? MOUNT_FLAGS.get(option.slice(1)) : undefined;
    if (flag === undefined) return false;
    this.setBelow = (this.setBelow & ~flag.clear) | flag.set;
    this.clearBelow = (this.clearBelow & ~flag.set) | flag.clear;
    return true;
  }

  #addPropagation(option: string): boolean {
    const below = option.startsWith('r') && PROPAGATIONS.has(option.slice(1));
    const propagation = PROPAGATIONS.get(below ? option.slice(1) : option);
    if (propagation === undefined) return false;
    this.propagation = propagation;
    this.propagateBelow = below;
    return true;
  }
}

/**
 * Sorts fstab-style options into what the calls of the kernel take. The last of contradicting ones counts.
 *
 * @throws invalid-argument: an option that is none of a bind mount, which has no file system of its own to ask.
 */
export function parseMountOptions(type: string, options: readonly string[]): MountRequest {
  const request = new Request();
  for (const option of options) request.add(option);
  if (type === 'bind') request.bind ??= 'one';
  const [extra] = request.data;
  if (request.bind !== undefined && extra !== undefined) {
    throw new DaemonError('invalid-argument', `mount option ${extra}: a bind mount does not know it; leave it out`);
  }
  return request;
}
