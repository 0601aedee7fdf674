import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { ReadStream } from 'node:tty';
import { DaemonError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { Teardown } from '../../base/teardown.js';
import type { ProcessKey } from '../../core/execution/runtime.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { Kernel } from '../../core/kernel/kernel.js';
import { CriLog } from './cri-log.js';
import type { KeptProcess, LaunchOrder, ProcessKeeper } from './keeper.js';
import { LostProcess, REAPER_LOST } from './lost-process.js';
import { RUNTIME_TIMEOUT_MS, runtimeError } from './oci-cli.js';
import { OomWatch } from './oom-watch.js';
import { Orphans } from './orphans.js';
import { ProcessInput } from './process-input.js';
import { makePipes, type ProcessPipes } from './process-pipes.js';
import { checkTarget, ReapedOutput, streamSource } from './reaped-output.js';
import { ReapedProcess } from './reaped-process.js';
import { readBootId, readProcessFile, writeProcessFile } from './records.js';

const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

type Parts = Pick<Kernel, 'programs' | 'mounts' | 'processes' | 'descriptors'>;

/**
 * The daemon as the parent of container processes, by being a child subreaper: no memory for monitors, but streams and exit statuses do
 * not survive the daemon.
 */
export class DaemonKeeper implements ProcessKeeper {
  readonly #parts: Parts;
  readonly #log: Logger;
  readonly #kept = new Set<number>();
  readonly #orphans: Orphans;

  constructor(parts: Parts, log: Logger) {
    this.#parts = parts;
    this.#log = log;
    this.#orphans = new Orphans(parts.processes, (pid) => this.#kept.has(pid));
    parts.processes.becomeSubreaper();
  }

  async launch(order: LaunchOrder, signal?: AbortSignal): Promise<KeptProcess> {
    for (const [index, target] of order.targets.entries()) await checkTarget(STREAMS[index] ?? '', target);
    const process = await Teardown.build((down) =>
      order.terminal ? this.#onTerminal(order, down, signal) : this.#onPipes(order, down, signal),
    ).catch((cause: unknown) => {
      // What the runtime began has fallen to us; crun's deletion waits until it is reaped.
      this.#orphans.look();
      throw cause;
    });
    this.#kept.add(process.pid);
    void process.exited.then(() => {
      this.#kept.delete(process.pid);
      this.#orphans.look();
    });
    return process;
  }

  async recover(key: ProcessKey, dir: string): Promise<KeptProcess | undefined> {
    const file = await readProcessFile(dir);
    if (file?.bootId !== (await readBootId())) return undefined;
    return new LostProcess(this.#parts.processes, key, dir, file, REAPER_LOST);
  }

  async #onPipes(order: LaunchOrder, down: Teardown, signal: AbortSignal | undefined): Promise<ReapedProcess> {
    const { descriptors } = this.#parts;
    const theirs = new Teardown();
    let pipes: ProcessPipes;
    try {
      pipes = makePipes(descriptors, order, { theirs, ours: down });
      await this.#runRuntime(order, order.commandLine(undefined), pipes.theirs, signal);
    } finally {
      await theirs.run();
    }
    const input = pipes.stdin && new ProcessInput(descriptors, pipes.stdin, false);
    return await this.#follow(order, down, { input, outputs: pipes.outputs, terminal: undefined });
  }

  async #onTerminal(order: LaunchOrder, down: Teardown, signal: AbortSignal | undefined): Promise<ReapedProcess> {
    const { descriptors } = this.#parts;
    // Short however long the folder's path is: socket addresses end at 108 bytes. The runtime has no share in our descriptors.
    const folder = await open(order.dir, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await using console = await descriptors.openConsole(`/proc/${process.pid}/fd/${folder.fd}/console.sock`);
      const nothing = await open('/dev/null', 'r+');
      try {
        await this.#runRuntime(order, order.commandLine(console.path), [nothing.fd, nothing.fd, undefined], signal);
      } finally {
        await nothing.close();
      }
      const terminal = await console.receive(AbortSignal.timeout(RUNTIME_TIMEOUT_MS));
      const master = new ReadStream(descriptors.duplicate(terminal));
      down.add(() => {
        master.destroy();
        descriptors.close(terminal);
      });
      const input = new ProcessInput(descriptors, master, true);
      return await this.#follow(order, down, { input, outputs: [master, undefined], terminal });
    } finally {
      await folder.close();
    }
  }

  /** Holds the process that the runtime has made, and begins to copy. */
  async #follow(
    order: LaunchOrder,
    down: Teardown,
    {
      input,
      outputs,
      terminal,
    }: Pick<ProcessPipes, 'outputs'> & { input: ProcessInput | undefined; terminal: Fd | undefined },
  ): Promise<ReapedProcess> {
    const { processes, descriptors, mounts } = this.#parts;
    const { key, dir, targets, log } = order;
    const handle = down.own(processes.open(await readPid(order.pidFile)));
    const startTime = processes.startTime(handle.pid) ?? 0n;
    await writeProcessFile(dir, { pid: handle.pid, startTime, bootId: await readBootId() });
    const output = down.own(new ReapedOutput(new CriLog(log.file, log, this.#log), log.all));
    if (targets[0].kind === 'path') input?.copyFrom(targets[0].path);
    if (outputs[0]) await output.copy(streamSource(outputs[0]), 'stdout', targets[1], descriptors);
    if (outputs[1]) await output.copy(streamSource(outputs[1]), 'stderr', targets[2], descriptors);
    const process = new ReapedProcess({ ...{ key, dir, handle, processes, descriptors, input, output, terminal } });
    if (order.oom) {
      await process.watchOom((happened) =>
        OomWatch.open({ mounts, descriptors, log: this.#log }, handle.pid, happened),
      );
    }
    return process;
  }

  async #runRuntime(
    order: LaunchOrder,
    [file = '', ...args]: readonly string[],
    [stdin, stdout, stderr]: readonly [Fd, Fd, Fd | undefined],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { code, stderr: said } = await this.#parts.programs.run(file, args, {
      ...{ stdin, stdout, timeoutMs: RUNTIME_TIMEOUT_MS },
      ...(stderr !== undefined && { stderr }),
      ...(signal && { signal }),
    });
    if (code !== 0) throw await runtimeError(order.what, order.runtimeLog, said.toString(), code);
  }
}

async function readPid(pidFile: string): Promise<number> {
  const pid = Number(await readFile(pidFile, 'utf8'));
  if (Number.isSafeInteger(pid) && pid > 1) return pid;
  throw new DaemonError('internal', `${pidFile}: the runtime wrote no pid`);
}
