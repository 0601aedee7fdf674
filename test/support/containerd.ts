import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'smol-toml';
import { Teardown } from '../../src/base/teardown.js';
import { killProcesses } from './leftovers.js';
import { unmountBelow } from './mount-table.js';
import { WITH_US } from './run.js';
import { tempDir } from './temp-dir.js';

/** Debian's containerd with folders and a socket of its own. */
export interface Containerd extends AsyncDisposable {
  readonly address: string;
  readonly state: string;
}

const READY = 'containerd successfully booted';

/** Starts it and waits until it serves. Disposing ends it and its shims. */
export function openContainerd(): Promise<Containerd> {
  return Teardown.build(async (down) => {
    const home = down.own(await tempDir(undefined, 'wharfd-peer-'));
    const [root, state] = [join(home.path, 'root'), join(home.path, 'state')];
    const address = join(home.path, 'containerd.sock');
    const config = join(home.path, 'config.toml');
    await mkdir(root);
    const disabled_plugins = ['io.containerd.grpc.v1.cri'];
    const settings = { version: 2, root, state, disabled_plugins, grpc: { address }, debug: { level: 'info' } };
    await writeFile(config, stringify(settings));
    const child = spawn('setpriv', [...WITH_US, 'containerd', '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    down.add(async () => {
      child.kill('SIGTERM');
      await ended;
      await killProcesses({ dirs: [home.path] });
      await unmountBelow(home.path);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      const log: string[] = [];
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (log.length < 100) log.push(line);
        if (line.includes(READY)) resolve();
      });
      child.once('exit', (code) => {
        reject(new Error(`containerd ended with ${String(code)}:\n${log.join('\n')}`));
      });
    });
    return { address, state, [Symbol.asyncDispose]: () => down.run() };
  });
}
