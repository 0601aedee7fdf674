import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { isThere } from '../../base/directory.js';
import type { Logger } from '../../base/logger.js';
import { Teardown } from '../../base/teardown.js';
import { DEFAULT_LOG_LIMITS } from '../../core/execution/logs.js';
import type { ProcessStreams, StreamKeeper, StreamsRequest } from '../../core/execution/process-streams.js';
import type { Attachment, AttachWishes, ProcessKey, StdioPaths } from '../../core/execution/runtime.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import { CriLog } from './cri-log.js';
import { EXEC_LOG_LIMITS, type ProcessLog } from './keeper.js';
import { ProcessInput } from './process-input.js';
import { ReapedOutput, streamSource, type OutputSource } from './reaped-output.js';
import { SpoolLedger } from './spool-ledger.js';
import { SpooledFifo } from './spooled-fifo.js';
import type { StreamName } from './stream-name.js';

/** Beside the FIFOs: what of their spools is logged. */
const LEDGER = 'spools.taken';

/** Streams over FIFOs `<dir>/{stdin,stdout,stderr}`; no `stderr` with a terminal. */
export class FifoStreamKeeper implements StreamKeeper {
  readonly #descriptors: Descriptors;
  readonly #logFile: (key: ProcessKey) => string;
  readonly #log: Logger;

  /** @param logFile File for the log of a container. */
  constructor(descriptors: Descriptors, logFile: (key: ProcessKey) => string, log: Logger) {
    this.#descriptors = descriptors;
    this.#logFile = logFile;
    this.#log = log;
  }

  async open(request: StreamsRequest): Promise<ProcessStreams> {
    const { dir, terminal, waitForReader, logLimits = DEFAULT_LOG_LIMITS } = request;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const stdio = stdioIn(dir, terminal);
    for (const path of fifosOf(stdio)) this.#descriptors.makeFifo(path, 0o600);
    const log = await this.#logOf(request, dir, logLimits);
    const criLog = new CriLog(log.file, log, this.#log);
    return await FifoStreams.open(this.#descriptors, stdio, criLog, {
      waitForReader,
      ledger: log.all ? SpoolLedger.create(join(dir, LEDGER), criLog.position) : undefined,
    });
  }

  async reopen(key: ProcessKey, dir: string): Promise<ProcessStreams | undefined> {
    if (!(await isThere(join(dir, 'stdout')))) return undefined;
    const stdio = stdioIn(dir, !(await isThere(join(dir, 'stderr'))));
    const log = await this.#logOf(key, dir, DEFAULT_LOG_LIMITS);
    const criLog = new CriLog(log.file, log, this.#log);
    const streams = await FifoStreams.open(this.#descriptors, stdio, criLog, {
      waitForReader: false,
      ledger: log.all ? SpoolLedger.reopen(join(dir, LEDGER), criLog.position) : undefined,
    });
    this.#tellEnd(stdio);
    return streams;
  }

  /** A FIFO whose last writer was gone before we opened it tells no end, unless one comes and goes. */
  #tellEnd({ stdout, stderr }: StdioPaths): void {
    for (const path of [stdout, stderr].filter((each) => each !== '')) {
      this.#descriptors.close(this.#descriptors.openFifo(path, 'write'));
    }
  }

  async #logOf(key: ProcessKey, dir: string, limits: { maxBytes: number; maxFiles: number }): Promise<ProcessLog> {
    if (key.execId !== '') return { ...EXEC_LOG_LIMITS, file: join(dir, 'output.log'), all: false };
    const file = this.#logFile(key);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    return { ...limits, file, all: true };
  }
}

class FifoStreams implements ProcessStreams {
  readonly stdio: StdioPaths;
  readonly drained: Promise<void>;
  readonly #input: ProcessInput;
  readonly #output: ReapedOutput;
  readonly #down: Teardown;

  private constructor(stdio: StdioPaths, input: ProcessInput, output: ReapedOutput, down: Teardown) {
    this.stdio = stdio;
    this.#input = input;
    this.#output = output;
    this.#down = down;
    this.drained = output.drained();
  }

  static async open(
    descriptors: Descriptors,
    stdio: StdioPaths,
    log: CriLog,
    { waitForReader, ledger }: { readonly waitForReader: boolean; readonly ledger: SpoolLedger | undefined },
  ): Promise<FifoStreams> {
    const down = new Teardown();
    try {
      if (ledger) log.keepLedger(down.own(ledger));
      const output = down.own(new ReapedOutput(log, ledger !== undefined));
      const target = { kind: waitForReader ? 'attach' : 'log' } as const;
      const reader = (fifo: string, stream: StreamName): OutputSource =>
        ledger === undefined
          ? streamSource(new Socket({ fd: descriptors.openFifo(fifo, 'read'), readable: true, writable: false }))
          : new SpooledFifo({ descriptors, fifo, spool: `${fifo}.spool`, stream, ledger });
      await output.copy(reader(stdio.stdout, 'stdout'), 'stdout', target, descriptors);
      if (stdio.stderr !== '') await output.copy(reader(stdio.stderr, 'stderr'), 'stderr', target, descriptors);
      // Both sides, so that opening waits for nobody, and nobody's leaving is an error.
      const to = new Socket({ fd: descriptors.openFifo(stdio.stdin, 'both'), readable: false, writable: true });
      const input = down.own(new ProcessInput(descriptors, to, stdio.terminal));
      return new FifoStreams(stdio, input, output, down);
    } catch (cause) {
      await down.run();
      throw cause;
    }
  }

  attach(wishes: AttachWishes): Promise<Attachment> {
    return Promise.resolve().then(() =>
      this.#output.attach(async (bytes) => {
        await this.#input.write(bytes);
      }, wishes),
    );
  }

  closeStdin(): void {
    this.#input.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#down.run();
  }
}

function stdioIn(dir: string, terminal: boolean): StdioPaths {
  const at = (name: string) => join(dir, name);
  return { stdin: at('stdin'), stdout: at('stdout'), stderr: terminal ? '' : at('stderr'), terminal };
}

const fifosOf = ({ stdin, stdout, stderr }: StdioPaths): readonly string[] =>
  [stdin, stdout, stderr].filter((path) => path !== '');
