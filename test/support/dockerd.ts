import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../../src/base/teardown.js';
import { eventually } from './eventually.js';
import { killProcesses, type Mine } from './leftovers.js';
import { unmountBelow } from './mount-table.js';
import { type Ran, run, WITH_US } from './run.js';

/** Docker's daemon on another daemon's socket, with folders of its own and no network. */
export interface Dockerd extends AsyncDisposable {
  /** What may be counted as left behind by its containers. */
  readonly mine: Mine;
  docker(...args: readonly string[]): Promise<Ran>;
  /** With further variables of the environment. */
  dockerWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran>;
  /** Ends it by SIGTERM; with live-restore containers go on. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface DockerdOptions {
  /** Its own programs. */
  readonly dockerd: string;
  readonly docker: string;
  /** Socket of the daemon below it. */
  readonly containerd: string;
  readonly dir: string;
}

export function openDockerd(options: DockerdOptions): Promise<Dockerd> {
  return Teardown.build(async (down) => {
    const dockerd = new RunningDockerd(options, down);
    down.add(() => dockerd.clear());
    await dockerd.prepare();
    await dockerd.start();
    return dockerd;
  });
}

class RunningDockerd implements Dockerd {
  readonly #options: DockerdOptions;
  readonly #down: Teardown;
  readonly #home: string;
  readonly #name = `docker${randomBytes(5).toString('hex')}`;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(options: DockerdOptions, down: Teardown) {
    this.#options = options;
    this.#down = down;
    this.#home = join(options.dir, 'docker');
  }

  get mine(): Mine {
    const keepPids = this.#child?.pid === undefined ? [] : [this.#child.pid];
    return { dirs: [this.#home], cgroupNames: [this.#name], keepPids };
  }

  async prepare(): Promise<void> {
    await mkdir(this.#home, { recursive: true });
    await writeFile(join(this.#home, 'daemon.json'), '{}');
  }

  get #socket(): string {
    return join(this.#home, 'docker.sock');
  }

  async start(): Promise<void> {
    const home = this.#home;
    const names = [`--containerd-namespace=${this.#name}`, `--containerd-plugins-namespace=${this.#name}p`];
    const paths = [
      ...[`--config-file=${join(home, 'daemon.json')}`, `--data-root=${join(home, 'data')}`],
      ...[`--exec-root=${join(home, 'exec')}`, `--pidfile=${join(home, 'pid')}`, `--host=unix://${this.#socket}`],
    ];
    const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
    const args = [...names, ...paths, ...network, `--containerd=${this.#options.containerd}`, '--live-restore'];
    const child = spawn('setpriv', [...WITH_US, this.#options.dockerd, ...args, `--cgroup-parent=/${this.#name}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: home },
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#log = (this.#log + bytes.toString()).slice(-20_000);
    });
    let ended = false;
    child.once('close', () => {
      ended = true;
    });
    this.#child = child;
    await eventually(async () => {
      if (ended) throw new Error(`dockerd has ended:\n${this.#log}`);
      const { code, stderr } = await this.docker('version');
      if (code !== 0) throw new Error(`${stderr.toString()}\n${this.#log}`);
    }, 30_000);
  }

  docker(...args: readonly string[]): Promise<Ran> {
    return this.dockerWith({}, ...args);
  }

  dockerWith(more: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> {
    const env = { ...more, PATH: process.env.PATH, HOME: this.#home, DOCKER_HOST: `unix://${this.#socket}` };
    return run(this.#options.docker, args, { env });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    this.#child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await ended;
  }

  async clear(): Promise<void> {
    await this.stop();
    await killProcesses(this.mine);
    await unmountBelow(this.#home);
    for (const controller of await readdir('/sys/fs/cgroup').catch(() => [])) {
      for (const each of [join(this.#name, 'buildkit'), this.#name]) {
        await rmdir(join('/sys/fs/cgroup', controller, each)).catch(() => undefined);
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#down.run();
  }
}
