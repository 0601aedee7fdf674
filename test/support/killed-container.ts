import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Session } from '../../src/client/session.js';
import type { TestDaemon } from './daemon.js';
import { eventually } from './eventually.js';
import { PACKAGE_ROOT } from './package-root.js';
import { output, WITH_US } from './run.js';

/** How the process ends when it is let go, and when it is told to by SIGTERM. */
export const LET_GO = 42;
export const STOPPED = 5;
export const KILLED = 137;

const LIBRARY = join(PACKAGE_ROOT, 'build/js/client/index.js');
const CLIENT = join(PACKAGE_ROOT, 'test/support/task-client.mjs');
/** Says that it runs, waits at a FIFO, and leaves word of the way it takes just before it ends. */
const SCRIPT = `
trap 'echo term > /box/word; exit ${STOPPED}' TERM
echo up > /box/up
while ! read -r -t 1 line < /box/gate; do :; done
echo gate > /box/word
exit ${LET_GO}`;

/** A container whose task a client of its own made, and all that can be killed around it. */
export class KilledContainer {
  readonly id: string;
  readonly #daemon: TestDaemon;
  readonly #client: ChildProcess;
  readonly #clientEnded: Promise<unknown>;

  private constructor(daemon: TestDaemon, id: string, client: ChildProcess) {
    this.id = id;
    this.#daemon = daemon;
    this.#client = client;
    this.#clientEnded = once(client, 'exit');
  }

  /** Resolves when the task is created, and not started. */
  static async create(daemon: TestDaemon, session: Session, id: string, image: string): Promise<KilledContainer> {
    const box = join(daemon.dir, id);
    await output('mkdir', [box]);
    await output('mkfifo', [join(box, 'gate'), join(box, 'out')]);
    await session.service('wharfd.services.execution.v1.ExecutionService').run({
      ...{ id, image, create_only: true, process: { args: ['sh', '-c', SCRIPT] } },
      mounts: [{ type: 'bind', source: box, target: '/box', options: ['rbind', 'rw'] }],
    });
    const args = [CLIENT, LIBRARY, daemon.address, daemon.namespace, id, join(box, 'out')];
    const client = spawn('setpriv', [...WITH_US, process.execPath, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    client.stdin.on('error', () => undefined);
    const container = new KilledContainer(daemon, id, client);
    await container.#said('created');
    return container;
  }

  /** Its client starts it; resolves when the process runs its own code. */
  async start(): Promise<void> {
    this.#client.stdin?.write('start\n');
    await this.#said('started');
    await this.up();
  }

  async up(): Promise<void> {
    await eventually(() => access(this.#path('up')));
  }

  /** The process goes on to its end. Resolves when it has been told, or has ended before. */
  async letGo(pid: number): Promise<void> {
    // Non-blocking and again: the reader opens the FIFO anew each second, and may have ended.
    await eventually(async () => {
      if (!(await isAlive(pid))) return;
      const file = await open(this.#path('gate'), 0o4001);
      await file.write('go\n');
      await file.close();
    });
  }

  /** What the process wrote last about its own way to the end; undefined when it had not come so far. */
  async word(): Promise<string | undefined> {
    const text = await readFile(this.#path('word'), 'utf8').catch(() => '');
    return text.trim() || undefined;
  }

  async monitorPid(): Promise<number> {
    const folder = join(this.#daemon.state, 'io.containerd.runtime.v2.task', this.#daemon.namespace, this.id);
    const { monitor } = JSON.parse(await readFile(join(folder, 'work/init/process.json'), 'utf8')) as {
      monitor: number;
    };
    return monitor;
  }

  async killClient(): Promise<void> {
    this.#client.kill('SIGKILL');
    await this.#clientEnded;
  }

  async #said(word: string): Promise<void> {
    assert.ok(this.#client.stdout);
    const [bytes] = (await Promise.race([
      once(this.#client.stdout, 'data'),
      this.#clientEnded.then(() => assert.fail(`the client ended before it was ${word}`)),
    ])) as [Buffer];
    assert.equal(bytes.toString(), `${word}\n`);
  }

  #path(name: string): string {
    return join(this.#daemon.dir, this.id, name);
  }
}

/** True while a process lives, stopped or frozen too; a zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  if (pid === 0 || !(await stat(`/proc/${pid}`).catch(() => undefined))) return false;
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X');
  return !/\) [ZX]/.test(text);
}
