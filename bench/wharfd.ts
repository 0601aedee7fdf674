import { once } from 'node:events';
import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { eventually } from '../test/support/eventually.js';
import { openCpuGroup } from './cpu-group.js';
import type { Engine } from './engine.js';
import { openLoopDisk } from './loop-disk.js';

const DISK_BYTES = 8 * 1024 ** 3;

/** Our own daemon as `make build` makes it, driven by dist and ctr. */
export function openWharfd(): Promise<Engine> {
  return Teardown.build(async (down) => {
    const disk = down.own(await openLoopDisk(DISK_BYTES));
    const group = down.own(await openCpuGroup('wharfd'));
    const socket = join(disk.path, 'wharfd.sock');
    const state = join(disk.path, 'state');
    const daemon = group.start('bin/wharfd', [
      ...['--root', join(disk.path, 'root'), '--state', state],
      ...['--address', socket, '--log-level', 'error'],
    ]);
    down.add(async () => {
      daemon.kill('SIGTERM');
      if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    });
    const dist = (...args: readonly string[]) => group.run('bin/dist', ['--address', socket, ...args]);
    const ctr = (...args: readonly string[]) => group.run('bin/ctr', ['--address', socket, ...args]);
    await eventually(() => ctr('version'), 30_000);
    const engine: Engine = {
      name: 'wharfd',
      group,
      daemonPid: daemon.pid ?? 0,
      async containerdCtr(...args) {
        await group.run('/usr/bin/ctr', ['--address', socket, ...args]);
      },
      async pull(reference) {
        await dist('pull', reference);
      },
      async remove(reference) {
        await dist('rmi', '--sync', reference);
      },
      async listImages() {
        await dist('images');
      },
      async run(reference, id, command) {
        await ctr('run', '--rm', '--id', id, reference, ...command);
      },
      async runDetached(reference, id, command) {
        await ctr('run', '--detach', '--id', id, reference, ...command);
      },
      async exec(id, command) {
        await ctr('exec', id, ...command);
      },
      async destroy(id) {
        await ctr('delete', '--force', id);
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
    return engine;
  });
}
