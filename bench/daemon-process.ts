import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Channel } from '../src/rpc/channel.js';
import { wholeSchema } from '../src/rpc/whole.js';
import type { CpuGroup } from './cpu-group.js';

const START_LIMIT_MS = 60_000;
/** A figure about the start is as fine as this. */
const POLL_MS = 5;

/** A daemon that can be killed and started again on what it has on disk. */
export interface DaemonProcess extends AsyncDisposable {
  readonly pid: number;
  /** Kills it with SIGKILL and starts it anew. @returns Seconds from its start until it answers. */
  restart(): Promise<number>;
}

/** Starts a daemon, and resolves when it answers at its socket. @throws Error when it does not within a minute. */
export async function startDaemon(
  group: CpuGroup,
  program: string,
  args: readonly string[],
  address: string,
): Promise<DaemonProcess> {
  let child = group.start(program, args);
  await answers(child, address);
  return {
    get pid() {
      return child.pid ?? 0;
    },
    async restart() {
      await end(child, 'SIGKILL');
      const startedMs = performance.now();
      child = group.start(program, args);
      await answers(child, address);
      return (performance.now() - startedMs) / 1000;
    },
    [Symbol.asyncDispose]: () => end(child, 'SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function answers(child: ChildProcess, address: string): Promise<void> {
  const deadlineMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    using channel = new Channel({ address, schema: wholeSchema, timeoutMs: START_LIMIT_MS });
    try {
      await channel.service('containerd.services.version.v1.Version').version({});
      return;
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadlineMs) throw error;
      await pause(POLL_MS);
    }
  }
}
