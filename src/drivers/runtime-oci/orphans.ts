import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from '../../base/errors.js';
import type { Processes } from '../../core/kernel/processes.js';

/** Between two looks the event loop has turned, so its own children would have been reaped by then. */
const SECOND_LOOK_MS = 1000;

/**
 * Reaps what falls to the daemon as child subreaper and belongs to nobody: descendants of containers that share our pid namespace.
 * A zombie that is there at two looks is no child of the event loop, which reaps its own at once, and never by waiting for all.
 */
export class Orphans implements Disposable {
  readonly #processes: Processes;
  readonly #isKept: (pid: number) => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** @param isKept True for processes that somebody waits for. */
  constructor(processes: Processes, isKept: (pid: number) => boolean) {
    this.#processes = processes;
    this.#isKept = isKept;
  }

  /** To be called when a container's process has ended, or could not be made: others may have ended, or be about to. */
  look(): void {
    if (this.#timer) return;
    void zombieChildren().then((seen) => this.#lookAgain(seen));
  }

  #lookAgain(seen: readonly number[]): void {
    this.#timer ??= setTimeout(() => void this.#reap(new Set(seen)), SECOND_LOOK_MS).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  async #reap(seen: ReadonlySet<number>): Promise<void> {
    const zombies = (await zombieChildren()).filter((pid) => !this.#isKept(pid));
    this.#timer = undefined;
    const fresh = zombies.filter((pid) => !seen.has(pid));
    if (fresh.length > 0) this.#lookAgain(fresh);
    for (const pid of zombies.filter((each) => seen.has(each))) {
      try {
        this.#processes.reap(pid);
      } catch (cause) {
        if (!isErrno(cause, 'ECHILD')) throw cause;
      }
    }
  }
}

/** Pids of our children that have ended and are not reaped; none where the kernel does not list children. */
async function zombieChildren(): Promise<number[]> {
  const threads = await readdir('/proc/self/task');
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/self/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  const pids = lists.join(' ').split(/\s+/).filter(Boolean).map(Number);
  const zombies = await Promise.all(pids.map(isZombie));
  return pids.filter((_, index) => zombies[index]);
}

async function isZombie(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z';
}
