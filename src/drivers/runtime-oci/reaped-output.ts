import type { Readable } from 'node:stream';
import { stat } from 'node:fs/promises';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { Attachment, AttachWishes } from '../../core/execution/runtime.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { CriLog } from './cri-log.js';
import { FifoSink } from './fifo-sink.js';
import { FileSink, type OutputSink } from './output-sink.js';
import { OutputSession, SessionSink } from './session-sink.js';
import type { StdioTarget } from './stdio-target.js';
import type { StreamName } from './stream-name.js';

/** Where output comes from. */
export interface OutputSource {
  /** What comes, until its end; the piece before is dealt with when the next is asked for. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Nothing more is to come. */
  destroy(): void;
}

/** The output of a stream. */
export function streamSource(stream: Readable): OutputSource {
  return {
    chunks: () => stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    destroy: () => void stream.destroy(),
  };
}

/** The output of one process whose pipes the daemon itself holds. */
export class ReapedOutput implements AsyncDisposable {
  readonly #sources = new Set<OutputSource>();
  readonly #sinks: OutputSink[] = [];
  readonly #copies: Promise<void>[] = [];
  readonly #log: CriLog;
  readonly #logAll: boolean;

  /** @param logAll Also what attached sessions take is logged. */
  constructor(log: CriLog, logAll: boolean) {
    this.#log = log;
    this.#logAll = logAll;
  }

  /** Copies a stream of the process to its target until it ends. */
  async copy(source: OutputSource, stream: StreamName, target: StdioTarget, descriptors: Descriptors): Promise<void> {
    const sink = await openSink(descriptors, target, stream, this.#log, this.#logAll);
    this.#sources.add(source);
    this.#sinks.push(sink);
    this.#copies.push(copyAll(source, sink));
  }

  /** Resolves when all copies are at their end. */
  async drained(): Promise<void> {
    await Promise.all(this.#copies);
    this.#log.end();
  }

  /** @throws failed-precondition: the output is its client's own. */
  attach(write: Attachment['write'], { replay, mayBeCut, signal }: AttachWishes): Attachment {
    signal?.throwIfAborted();
    const sinks = this.#sinks.filter((sink) => sink instanceof SessionSink);
    if (sinks.length === 0) {
      throw new DaemonError('failed-precondition', "the output of the process goes to its client's own files");
    }
    const session = new OutputSession(sinks.filter((sink) => !sink.ended).length, mayBeCut);
    for (const sink of sinks) sink.add(session, replay);
    const close = () => {
      for (const sink of sinks) sink.remove(session);
      session.close();
    };
    signal?.addEventListener('abort', close, { once: true });
    return {
      output: session.chunks(),
      write,
      [Symbol.asyncDispose]: () => {
        signal?.removeEventListener('abort', close);
        close();
        return Promise.resolve();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of this.#sources) source.destroy();
    for (const sink of this.#sinks) await sink[Symbol.asyncDispose]();
    await this.drained();
    this.#log[Symbol.dispose]();
  }
}

/** Checks a path before the process is made. @throws unknown: it is missing, or neither FIFO nor file. */
export async function checkTarget(name: string, target: StdioTarget): Promise<void> {
  if (target.kind !== 'path') return;
  const info = await stat(target.path).catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT'))
      throw new DaemonError('unknown', `${name} ${target.path}: No such file or directory`, { cause });
    throw cause;
  });
  if (info.isFIFO() || info.isFile() || info.isCharacterDevice()) return;
  throw new DaemonError('unknown', `${name} ${target.path}: neither a FIFO nor a file`);
}

async function openSink(
  descriptors: Descriptors,
  target: StdioTarget,
  stream: StreamName,
  log: CriLog,
  logAll: boolean,
): Promise<OutputSink> {
  if (target.kind !== 'path') return new SessionSink(stream, log, { waitForReader: target.kind === 'attach', logAll });
  const fifo = (await stat(target.path)).isFIFO();
  return fifo ? new FifoSink(descriptors, target.path, stream, log) : await FileSink.open(target.path, stream, log);
}

async function copyAll(source: OutputSource, sink: OutputSink): Promise<void> {
  try {
    for await (const bytes of source.chunks()) await sink.write(bytes);
  } catch {
    // A terminal says EIO at its end; a destroyed source is our own disposal. No more comes in either case.
  }
  source.destroy();
  await sink.end();
}
