import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { eventually } from '../test/support/eventually.js';
import { openCpuGroup } from './cpu-group.js';
import type { Engine } from './engine.js';
import { openLoopDisk } from './loop-disk.js';

const DISK_BYTES = 8 * 1024 ** 3;

/** Debian's containerd with a root of its own on a fresh disk, driven by its own ctr. */
export function openContainerd(): Promise<Engine> {
  return Teardown.build(async (down) => {
    const disk = down.own(await openLoopDisk(DISK_BYTES));
    const group = down.own(await openCpuGroup('containerd'));
    const socket = join(disk.path, 'containerd.sock');
    const config = join(disk.path, 'config.toml');
    await mkdir(join(disk.path, 'root'));
    await writeFile(
      config,
      [
        'version = 2',
        `root = "${disk.path}/root"`,
        `state = "${disk.path}/state"`,
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
        `[grpc]\naddress = "${socket}"`,
        `[debug]\nlevel = "error"`,
      ].join('\n'),
    );
    const daemon = group.start('containerd', ['--config', config]);
    down.add(async () => {
      daemon.kill('SIGTERM');
      if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    });
    const ctr = (...args: readonly string[]) => group.run('ctr', ['--address', socket, ...args]);
    await eventually(() => ctr('version'), 30_000);
    const engine: Engine = {
      name: 'containerd 1.6.20',
      group,
      daemonPid: daemon.pid ?? 0,
      async containerdCtr(...args) {
        await ctr(...args);
      },
      async pull(reference) {
        await ctr('images', 'pull', '--plain-http', reference);
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
