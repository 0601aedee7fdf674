/**
 * The main job, shown: a Redis image made of Debian's packages is pushed to a registry, pulled, run, asked, stopped and
 * removed. Everything it starts is its own, and is gone when it ends; so is the folder that it works in.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openDaemon } from '../test/support/daemon.js';
import { skopeoPush } from '../test/support/oci-layout.js';
import { PACKAGE_ROOT } from '../test/support/package-root.js';
import { ensureRedisLayout } from '../test/support/redis-image.js';
import { openRegistry } from '../test/support/registry.js';

const LAYOUT = join(PACKAGE_ROOT, 'build/redis-image');
const READY = 'Ready to accept connections';

class Stage {
  readonly #env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  constructor(address: string, signal: AbortSignal) {
    this.#env = { ...process.env, WHARFD_ADDRESS: address };
    delete this.#env.WHARFD_NAMESPACE;
    delete this.#env.CONTAINERD_NAMESPACE;
    this.#signal = signal;
  }

  /** Shows a command and what it prints, as it prints it; on a terminal it draws its progress there itself. */
  async show(command: string, wanted = 0): Promise<void> {
    const child = this.#start(command, 'inherit');
    const code = await endOf(child);
    if (code !== wanted) throw new Error(`"${command}" ended with exit code ${code}, not ${wanted}`);
  }

  /** Shows a command and what it printed, and returns that. */
  async ask(command: string): Promise<string> {
    const child = this.#start(command, 'pipe');
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
    const code = await endOf(child);
    process.stdout.write(text);
    if (code !== 0) throw new Error(`"${command}" ended with exit code ${code}`);
    return text;
  }

  /** Starts a command that stays, shows its lines, and resolves at the first that holds `ready`. */
  async begin(command: string, ready: string): Promise<{ end: Promise<number> }> {
    const child = this.#start(`${command} &`, 'pipe', command);
    const end = endOf(child);
    await new Promise<void>((resolve, reject) => {
      if (!child.stdout) return;
      createInterface({ input: child.stdout }).on('line', (line) => {
        say(line);
        if (line.includes(ready)) resolve();
      });
      end.then((code) => {
        reject(new Error(`"${command}" ended with exit code ${code} before it said "${ready}"`));
      }, reject);
    });
    return { end };
  }

  #start(shown: string, stdout: 'inherit' | 'pipe', command = shown): ChildProcess {
    say(`\n$ ${shown}`);
    const [program = '', ...args] = command.split(' ');
    const stdio = ['ignore', stdout, 'inherit'] as const;
    return spawn(join(PACKAGE_ROOT, 'bin', program), args, { stdio: [...stdio], env: this.#env, signal: this.#signal });
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function expect(what: boolean, otherwise: string): void {
  if (!what) throw new Error(otherwise);
}

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === null) reject(new Error(`ended by ${String(signal)}`));
      else resolve(code);
    });
  });
}

/** What Redis itself says: its own process id is the container's first, which is `pid` on this machine. */
async function showProcess(stage: Stage, id: string): Promise<void> {
  const list = await stage.ask('ctr list');
  const pid = new RegExp(`^${id} +(\\d+) +RUNNING`, 'm').exec(list)?.[1] ?? '';
  const info = await stage.ask(`ctr exec ${id} redis-cli INFO server`);
  const own = /^process_id:(\d+)/m.exec(info)?.[1] ?? '';
  const ids = /^NSpid:\s+(.*)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? [];
  say(`\n# Redis calls itself process ${own}; on this machine that is process ${pid} (NSpid: ${ids.join(' ')})`);
  expect(ids[0] === pid && ids.at(-1) === own, `process ${pid} is not the one that Redis calls ${own}`);
}

async function demo(signal: AbortSignal): Promise<void> {
  say('# Making a Redis image of Debian packages (kept in build/redis-image) …');
  await ensureRedisLayout(LAYOUT);
  await using registry = await openRegistry();
  const reference = `${registry.host}/library/redis:latest`;
  say(`# Pushing it with skopeo to a registry on ${registry.host} …`);
  await skopeoPush(LAYOUT, reference);
  await using daemon = await openDaemon();
  say(`# wharfd serves on ${daemon.address}`);
  const stage = new Stage(daemon.address, signal);

  await stage.show(`dist pull ${reference}`);
  await stage.show('dist images');
  const run = await stage.begin(`ctr run --id foo ${reference} /usr/local/bin/redis-server`, READY);
  const pong = await stage.ask('ctr exec foo redis-cli PING');
  expect(pong === 'PONG\n', `Redis answered ${JSON.stringify(pong)} to PING`);
  const value = randomBytes(8).toString('hex');
  await stage.show(`ctr exec foo redis-cli SET demo:${value} ${value}`);
  const read = await stage.ask(`ctr exec foo redis-cli GET demo:${value}`);
  expect(read === `${value}\n`, `the key holds ${JSON.stringify(read)}, not ${value}`);
  await showProcess(stage, 'foo');

  await stage.show('ctr kill foo');
  say(`\n# ctr run has ended with Redis's own exit code: ${await run.end}`);
  await stage.show('ctr list');
  await stage.show(`dist rmi ${reference}`);
  await stage.show('dist images');
  say('\n# Done; wharfd and the registry are stopped now.');
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    interrupted.abort(new Error(`stopped by ${name}`));
  });
}
try {
  await demo(interrupted.signal);
} catch (error) {
  const cause: unknown = interrupted.signal.aborted ? interrupted.signal.reason : error;
  process.stderr.write(`demo: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}
