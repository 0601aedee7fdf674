import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { openCpuGroup } from './cpu-group.js';
import type { Engine } from './engine.js';
import { startDaemon } from './daemon-process.js';
import { openLoopDisk, type OpenDisk } from './loop-disk.js';
import { openStateDisk } from './memory-disk.js';

const DISK_BYTES = 8 * 1024 ** 3;

/** Our own daemon as `make build` makes it, on a fresh disk (a loop disk unless `openDisk` makes another), driven by dist and ctr. */
export function openWharfd(openDisk?: OpenDisk): Promise<Engine> {
  return Teardown.build(async (down) => {
    const disk = down.own(await (openDisk ?? openLoopDisk)(DISK_BYTES));
    const memory = down.own(await openStateDisk());
    const group = down.own(await openCpuGroup('wharfd'));
    const socket = join(disk.path, 'wharfd.sock');
    const state = join(memory.path, 'state');
    const args = ['--root', join(disk.path, 'root'), '--state', state, '--address', socket, '--log-level', 'error'];
    const daemon = down.own(await startDaemon(group, 'bin/wharfd', args, socket));
    const dist = (...args: readonly string[]) => group.run('bin/dist', ['--address', socket, ...args]);
    const ctr = (...args: readonly string[]) => group.run('bin/ctr', ['--address', socket, ...args]);
    const engine: Engine = {
      name: 'wharfd',
      group,
      get daemonPid() {
        return daemon.pid;
      },
      address: socket,
      restart: () => daemon.restart(),
      async containerdCtr(...args) {
        await group.run('/usr/bin/ctr', ['--address', socket, ...args]);
      },
      async pull(reference) {
        await dist('pull', reference);
      },
      async fetch(reference) {
        await dist('pull', '--no-unpack', reference);
      },
      async remove(reference) {
        await dist('rmi', '--sync', reference);
      },
      async listImages() {
        await dist('images');
      },
      // containerd's ctr runs no entrypoint.
      async run(reference, id, [program, ...args]) {
        await ctr('run', '--rm', '--id', id, '--entrypoint', program, reference, ...args);
      },
      async runDetached(reference, id, [program, ...args]) {
        await ctr('run', '--detach', '--id', id, '--entrypoint', program, reference, ...args);
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
