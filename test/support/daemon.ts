import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'smol-toml';
import { Teardown } from '../../src/base/teardown.js';
import { assertNothingLeft, killProcesses, type Mine } from './leftovers.js';
import { unmountBelow } from './mount-table.js';
import { PACKAGE_ROOT } from './package-root.js';
import { WITH_US } from './run.js';
import { tempDir } from './temp-dir.js';

/** A line of the daemon's log. */
export interface LogLine {
  readonly level: number | string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The built daemon with folders and a socket of its own, and all that it starts. */
export interface TestDaemon extends AsyncDisposable {
  /** Its socket. */
  readonly address: string;
  readonly root: string;
  readonly state: string;
  /** The folder that holds all of these; free for a test's own files. */
  readonly dir: string;
  /** A namespace of this daemon alone: the cgroups of its containers are told apart by it. */
  readonly namespace: string;
  /** Its process while it runs. */
  readonly pid: number;
  /** What it has logged so far, over all its starts. */
  readonly log: readonly LogLine[];
  /** What may be counted as left behind by it; without the daemon itself. */
  readonly mine: Mine;
  /** Resolves with the first log line, old or new, that `wanted` is true for. */
  logged(wanted: (line: LogLine) => boolean): Promise<LogLine>;
  /** Ends it by SIGTERM and resolves with its exit code. Containers go on. */
  stop(): Promise<number>;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same folders after `stop` or `kill`. */
  start(): Promise<void>;
}

export interface DaemonOptions {
  /** Further keys of the configuration file; `root`, `state` and the socket are given. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the command, such as `['prlimit', '--nofile=64']`. */
  readonly wrapper?: readonly string[];
}

const READY = 'wharfd serves';
const MAIN = join(PACKAGE_ROOT, 'build/daemon/main.js');

/**
 * Starts a daemon and waits until it serves. Disposing ends it and everything that it started.
 *
 * @throws Error with its log when it ends before it serves.
 */
export function openDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  return Teardown.build(async (down) => {
    const home = down.own(await tempDir(undefined, 'wharfd-'));
    const namespace = `t${randomBytes(6).toString('hex')}`;
    const daemon = new Daemon(home.path, namespace, options, down);
    down.add(() => daemon.clear());
    await daemon.writeConfig();
    await daemon.start();
    return daemon;
  });
}

class Daemon implements TestDaemon {
  readonly dir: string;
  readonly namespace: string;
  readonly log: LogLine[] = [];
  readonly #options: DaemonOptions;
  readonly #down: Teardown;
  readonly #waiting = new Set<(line: LogLine) => void>();
  #child: ChildProcess | undefined;
  #isAsked = false;

  constructor(dir: string, namespace: string, options: DaemonOptions, down: Teardown) {
    this.dir = dir;
    this.namespace = namespace;
    this.#options = options;
    this.#down = down;
  }

  get address(): string {
    return join(this.state, 'wharfd.sock');
  }

  get root(): string {
    const given = this.#options.config?.['root'];
    return typeof given === 'string' ? given : join(this.dir, 'root');
  }

  get state(): string {
    return join(this.dir, 'state');
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the daemon does not run');
    return this.#child.pid;
  }

  get mine(): Mine {
    const keepPids = this.#child?.pid === undefined ? [] : [this.#child.pid];
    return { dirs: [this.dir], cgroupNames: [this.namespace], keepPids };
  }

  async writeConfig(): Promise<void> {
    const { runtime, grpc, ...rest } = (this.#options.config ?? {}) as Record<string, Record<string, unknown>>;
    const config = {
      root: this.root,
      state: this.state,
      ...rest,
      grpc: { address: this.address, ...grpc },
      runtime: { root: join(this.dir, 'runtime'), ...runtime },
    };
    await mkdir(join(this.dir, 'runtime'));
    await writeFile(join(this.dir, 'config.toml'), stringify(config));
  }

  async start(): Promise<void> {
    if (this.#child) throw new Error('the daemon runs already');
    const settings = ['--config', join(this.dir, 'config.toml')];
    const command = [...WITH_US, ...(this.#options.wrapper ?? []), process.execPath, MAIN, ...settings];
    const env = withoutAddresses({ ...process.env, ...this.#options.env });
    const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'], env, cwd: '/' });
    this.#child = child;
    this.#isAsked = false;
    const text: string[] = [];
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        if (!this.#isAsked && signal !== 'SIGKILL')
          console.error(`wharfd ended with ${String(code ?? signal)}; it said:`, this.log.slice(-40));
        reject(new Error(`wharfd ended with ${String(code ?? signal)} before it served:\n${text.join('\n')}`));
      });
      const lines = createInterface({ input: child.stderr });
      lines.on('line', (line) => {
        if (text.length < 100) text.push(line);
        const parsed = parseLine(line);
        this.log.push(parsed);
        for (const tell of this.#waiting) tell(parsed);
        if (parsed.msg === READY) resolve();
      });
    });
  }

  logged(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    const old = this.log.find(wanted);
    if (old) return Promise.resolve(old);
    return new Promise((resolve) => {
      const tell = (line: LogLine): void => {
        if (!wanted(line)) return;
        this.#waiting.delete(tell);
        resolve(line);
      };
      this.#waiting.add(tell);
    });
  }

  stop(): Promise<number> {
    return this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child;
    if (!child) return 0;
    this.#isAsked = true;
    const ended = new Promise<number>((resolve) => {
      child.once('exit', (code) => {
        resolve(code ?? -1);
      });
    });
    child.kill(signal);
    return ended;
  }

  /** Ends everything that a test left running, so that one that goes wrong does not disturb the next. */
  async clear(): Promise<void> {
    await this.stop();
    await killProcesses(this.mine);
    await assertNothingLeft({ ...this.mine, dirs: [] });
    await unmountBelow(this.dir);
    for (const controller of await readdir('/sys/fs/cgroup').catch(() => [])) {
      await rmdir(join('/sys/fs/cgroup', controller, this.namespace)).catch(() => undefined);
    }
    await rmdir(join('/sys/fs/cgroup', this.namespace)).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#down.run();
  }
}

/** The environment of whoever runs the tests must not lead the daemon to another socket. */
function withoutAddresses(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ['WHARFD_ADDRESS', 'WHARFD_NAMESPACE', 'CONTAINERD_ADDRESS', 'CONTAINERD_NAMESPACE'];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 'text', msg: text };
  }
}
