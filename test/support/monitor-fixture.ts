import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { deferred } from '../../src/base/abort.js';
import { Teardown } from '../../src/base/teardown.js';
import type { MonitorState } from '../../src/drivers/runtime-oci/frames.js';
import { connectMonitor, MonitorConnection } from '../../src/drivers/runtime-oci/monitor-connection.js';
import { killProcesses } from './leftovers.js';
import { sanitizedMonitor } from './runtime-fixture.js';
import { tempDir } from './temp-dir.js';

/**
 * Acts as an OCI runtime: leaves a shell that runs its first argument as an orphan, and its pid in a file beside itself. It forks
 * nothing else, and the orphan begins when it has ended, lest it reap it: descriptor 5 reads the end of a pipe that the runtime alone
 * can write to. Descriptor 3 is stdin, which a shell takes away from what runs in the background. All of it works in the test's folder,
 * so that what a broken test leaves can be found.
 */
const FAKE_RUNTIME = `#!/bin/sh
cd "\${0%/*}" || exit 1
mkfifo gate.$$ || exit 1
exec 3<&0 4<>gate.$$ 5<gate.$$
sh -c 'read -r _ <&5; exec 5<&-; eval "$0"' "$1" <&3 3<&- 4>&- &
exec 5<&-
printf %s $! > pid
`;

/** What a test sees of a monitor's life. */
export interface MonitorEnd {
  readonly connection: MonitorConnection;
  readonly greeting: MonitorState;
  readonly created: Promise<MonitorState>;
  readonly failed: Promise<MonitorState>;
  readonly exited: Promise<MonitorState>;
  readonly drained: Promise<void>;
  readonly closed: Promise<void>;
}

/** A monitor with sanitizers and a fake runtime, in a folder of its own. */
export interface MonitorFixture {
  readonly dir: string;
  readonly processDir: string;
  /** Starts the monitor for a shell script. */
  start(options: readonly string[], script: string): ChildProcess;
  /** Starts it with a connection from the first moment, and greets it. */
  startConnected(
    options: readonly string[],
    runtime: readonly string[],
  ): Promise<MonitorEnd & { readonly child: ChildProcess }>;
  /** Connects as a restarted daemon does, once the monitor listens. */
  connect(): Promise<MonitorEnd>;
  socket(): Promise<Socket>;
  json(name: string): Promise<Record<string, unknown>>;
}

export async function monitorFixture(t: TestContext): Promise<MonitorFixture> {
  const down = new Teardown();
  t.after(() => down.run());
  const { path: dir } = down.own(await tempDir());
  const monitor = await sanitizedMonitor(down, dir);
  down.add(() => killProcesses({ dirs: [dir] }));
  const [processDir, fake] = [join(dir, 'process'), join(dir, 'fake-runtime')];
  await mkdir(processDir, { mode: 0o700 });
  await writeFile(fake, FAKE_RUNTIME, { mode: 0o755 });
  const socket = async (): Promise<Socket> => {
    const deadline = AbortSignal.timeout(10_000);
    for (;;) {
      deadline.throwIfAborted();
      const connected = await connectMonitor(processDir);
      if (connected) return connected;
      await new Promise(setImmediate);
    }
  };
  const start = (
    options: readonly string[],
    runtime: readonly string[],
    control: 'pipe' | 'ignore' = 'ignore',
  ): ChildProcess => {
    const args = ['--dir', processDir, '--pid-file', join(dir, 'pid'), ...options, '--', ...runtime];
    const child = spawn(monitor, args, { stdio: ['ignore', 'ignore', 'inherit', control] });
    down.add(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    });
    return child;
  };
  return {
    ...{ dir, processDir, socket },
    start: (options, script) => start(options, [fake, script]),
    startConnected: async (options, runtime) => {
      const child = start(['--control-fd', '3', ...options], runtime, 'pipe');
      return { child, ...(await greet(child.stdio[3] as Socket)) };
    },
    connect: async () => await greet(await socket()),
    json: async (name) => JSON.parse(await readFile(join(processDir, name), 'utf8')) as Record<string, unknown>,
  };
}

async function greet(socket: Socket): Promise<MonitorEnd> {
  const [created, failed, exited] = [deferred<MonitorState>(), deferred<MonitorState>(), deferred<MonitorState>()];
  const [drained, closed] = [deferred<undefined>(), deferred<undefined>()];
  const took = (state: MonitorState): void => {
    if (state.phase === 'failed') {
      failed.resolve(state);
      created.reject(new Error(`the runtime failed: ${state.message}`));
    }
    if (state.phase === 'created' || state.phase === 'exited') created.resolve(state);
    if (state.phase === 'exited') exited.resolve(state);
    if (state.drained) drained.resolve(undefined);
  };
  const { connection, state } = await MonitorConnection.greet(socket, {
    ...{ created: took, failed: took, exited: took },
    drained: () => drained.resolve(undefined),
    closed: () => closed.resolve(undefined),
  });
  took(state);
  return {
    ...{ connection, greeting: state, created: created.promise, failed: failed.promise },
    ...{ exited: exited.promise, drained: drained.promise, closed: closed.promise },
  };
}
