import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { openCpuGroup } from './cpu-group.js';
import type { Engine } from './engine.js';
import { startDaemon } from './daemon-process.js';
import { openLoopDisk, type OpenDisk } from './loop-disk.js';
import { openStateDisk } from './memory-disk.js';

const DISK_BYTES = 8 * 1024 ** 3;

/** Debian's containerd with a root of its own on a fresh disk (a loop disk unless `openDisk` makes another), driven by its own ctr. */
export function openContainerd(openDisk?: OpenDisk): Promise<Engine> {
  return Teardown.build(async (down) => {
    const disk = down.own(await (openDisk ?? openLoopDisk)(DISK_BYTES));
    const memory = down.own(await openStateDisk());
    const group = down.own(await openCpuGroup('containerd'));
    const socket = join(disk.path, 'containerd.sock');
    const config = join(disk.path, 'config.toml');
    await mkdir(join(disk.path, 'root'));
    await writeFile(
      config,
      [
        'version = 2',
        `root = "${disk.path}/root"`,
        `state = "${memory.path}/state"`,
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
        `[grpc]\naddress = "${socket}"`,
        `[debug]\nlevel = "error"`,
      ].join('\n'),
    );
    const daemon = down.own(await startDaemon(group, 'containerd', ['--config', config], socket));
    const ctr = (...args: readonly string[]) => group.run('ctr', ['--address', socket, ...args]);
    const engine: Engine = {
      name: 'containerd 1.6.20',
      group,
      get daemonPid() {
        return daemon.pid;
      },
      address: socket,
      restart: () => daemon.restart(),
      async containerdCtr(...args) {
        await ctr(...args);
      },
      async pull(reference) {
        await ctr('images', 'pull', '--plain-http', reference);
      },
      async fetch(reference) {
        await ctr('content', 'fetch', '--plain-http', reference);
      },
      async remove(reference) {
        await ctr('images', 'rm', '--sync', reference);
      },
      async listImages() {
        await ctr('images', 'ls');
      },
      async run(reference, id, command) {
        await ctr('run', '--rm', reference, id, ...command);
      },
      async runDetached(reference, id, command) {
        await ctr('run', '--detach', reference, id, ...command);
      },
      async exec(id, command) {
        await ctr('tasks', 'exec', '--exec-id', 'e', id, ...command);
      },
      async destroy(id) {
        await ctr('tasks', 'rm', '--force', id);
        await ctr('containers', 'rm', id);
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
    return engine;
  });
}
