import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { MountInfo, Mounts } from '../../core/kernel/mounts.js';

/** Learns of out-of-memory kills in a process's memory cgroup: an eventfd on cgroup v1, changes of memory.events on v2. */
export class OomWatch implements AsyncDisposable {
  readonly #counts: FileHandle;
  readonly #closing = new AbortController();
  readonly #happened: () => void;
  #kills: number;
  #watcher: FSWatcher | undefined;

  private constructor(counts: FileHandle, kills: number, happened: () => void) {
    this.#counts = counts;
    this.#kills = kills;
    this.#happened = happened;
  }

  /** @returns Undefined where the cgroup is not to be found or watched; that is logged. */
  static async open(
    parts: { readonly mounts: Mounts; readonly descriptors: Descriptors; readonly log: Logger },
    pid: number,
    happened: () => void,
  ): Promise<OomWatch | undefined> {
    try {
      const cgroup = parseCgroup(await readFile(`/proc/${pid}/cgroup`, 'utf8'));
      const folder = cgroup && findFolder(cgroup, await parts.mounts.list());
      if (!cgroup || !folder) throw new Error('no memory cgroup');
      const counts = await open(join(folder, cgroup.unified ? 'memory.events' : 'memory.oom_control'));
      const made = new OomWatch(counts, (await countKills(counts)) ?? 0, happened);
      if (cgroup.unified) made.#watchFile(join(folder, 'memory.events'));
      else await made.#watchEventfd(parts.descriptors, folder);
      return made;
    } catch (cause) {
      parts.log.warn({ pid, error: messageOf(cause) }, 'out-of-memory kills of this container go unnoticed');
      return undefined;
    }
  }

  /** Looks once more, for the end of the process. @returns Whether there ever was a kill. */
  async check(): Promise<boolean> {
    const kills = (await countKills(this.#counts)) ?? this.#kills;
    if (kills > this.#kills) {
      this.#kills = kills;
      this.#happened();
    }
    return kills > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#watcher?.close();
    await this.#counts.close();
  }

  #watchFile(path: string): void {
    this.#watcher = watch(path, { persistent: false }, () => void this.check().catch(() => undefined));
  }

  /** "EVENTFD TARGET" written to cgroup.event_control (kernel's admin-guide/cgroup-v1/memory.rst). */
  async #watchEventfd(descriptors: Descriptors, folder: string): Promise<void> {
    const events = descriptors.eventCounter();
    try {
      const control = await open(join(folder, 'cgroup.event_control'), 'w');
      await control.writeFile(`${events} ${this.#counts.fd}`).finally(() => control.close());
    } catch (cause) {
      descriptors.close(events);
      throw cause;
    }
    void this.#followEventfd(descriptors, events);
  }

  async #followEventfd(descriptors: Descriptors, events: number): Promise<void> {
    try {
      // The removal of the cgroup signals too; its counts cannot be read then.
      do {
        await descriptors.ready(events, 'readable', this.#closing.signal);
        descriptors.takeEvents(events);
        await this.check();
      } while ((await countKills(this.#counts)) !== undefined);
    } catch {
      // Disposal.
    } finally {
      descriptors.close(events);
    }
  }
}

interface CgroupPath {
  readonly path: string;
  readonly unified: boolean;
}

/** Lines of cgroups(7) are "number:controllers:path". */
export function parseCgroup(text: string): CgroupPath | undefined {
  let found: CgroupPath | undefined;
  for (const line of text.split('\n')) {
    const [, number, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes('memory')) return { path, unified: false };
    if (number === '0') found = { path, unified: true };
  }
  return found;
}

function findFolder({ path, unified }: CgroupPath, mounts: readonly MountInfo[]): string | undefined {
  for (const { type, root, mountPoint, superOptions } of mounts) {
    const fits = unified ? type === 'cgroup2' : type === 'cgroup' && superOptions.includes('memory');
    const prefix = root === '/' ? '' : root;
    if (fits && path.startsWith(prefix)) return join(mountPoint, path.slice(prefix.length));
  }
  return undefined;
}

/** Undefined when the cgroup is gone, or the kernel does not count (v1 before Linux 4.13). */
async function countKills(counts: FileHandle): Promise<number | undefined> {
  const buffer = Buffer.alloc(4096);
  const read = await counts.read(buffer, 0, buffer.length, 0).catch(() => undefined);
  const text = buffer.subarray(0, read?.bytesRead ?? 0).toString();
  const [, number] = /^oom_kill (\d+)$/m.exec(text) ?? [];
  return number === undefined ? undefined : Number(number);
}
