import { Worker } from 'node:worker_threads';
import { deferred, onAbort, type Deferred } from '../../base/abort.js';
import { DaemonError, isErrno } from '../../base/errors.js';
import { Semaphore } from '../../base/semaphore.js';
import type { WorkerPool } from '../../core/diff/worker-pool.js';
import type { AnswerMessage, TaskMessage } from './messages.js';

const IDLE_MS = 10_000;
/** A small young generation stays in the processor's caches: of layers of small files it takes a tenth of the CPU time off. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 3 };

interface RunOptions {
  readonly onProgress?: (progress: unknown) => void;
  readonly signal?: AbortSignal;
}

/** A pool that its owner closes: running tasks are cut off then. */
export interface OpenWorkerPool extends WorkerPool, AsyncDisposable {}

/**
 * Threads that run `worker`, started when they are needed and ended when idle for ten seconds.
 *
 * @param worker The file they run; it calls serveTasks.
 * @param size Tasks at a time; further ones wait in order.
 */
export function openWorkerPool(worker: URL, size: number): OpenWorkerPool {
  return new ThreadPool(worker, size);
}

class ThreadPool implements OpenWorkerPool {
  readonly #worker: URL;
  readonly #room: Semaphore;
  readonly #idle: Thread[] = [];
  readonly #threads = new Set<Thread>();
  #closed = false;

  constructor(worker: URL, size: number) {
    this.#worker = worker;
    this.#room = new Semaphore(size);
  }

  async run<Result>(task: { readonly kind: string }, options: RunOptions = {}): Promise<Result> {
    return await this.#room.run(async () => {
      if (this.#closed) throw new DaemonError('unavailable', 'the daemon is shutting down');
      options.signal?.throwIfAborted();
      const thread = this.#idle.pop() ?? this.#start();
      const result = await thread.run(task, options);
      return result as Result;
    }, options.signal);
  }

  #start(): Thread {
    const thread = new Thread(this.#worker, {
      idle: () => this.#idle.push(thread),
      ended: () => {
        this.#threads.delete(thread);
        const at = this.#idle.indexOf(thread);
        if (at >= 0) this.#idle.splice(at, 1);
      },
    });
    this.#threads.add(thread);
    return thread;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }
}

interface Job {
  readonly outcome: Deferred<unknown>;
  readonly onProgress: ((progress: unknown) => void) | undefined;
}

/** One worker thread, with at most one task. */
class Thread {
  readonly #worker: Worker;
  readonly #on: { idle(): void; ended(): void };
  #job: Job | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(file: URL, on: { idle(): void; ended(): void }) {
    this.#on = on;
    this.#worker = new Worker(file, { resourceLimits: RESOURCE_LIMITS });
    this.#worker.on('message', (answer: AnswerMessage) => {
      this.#take(answer);
    });
    this.#worker.once('error', (cause) => {
      this.#fail(workerError(cause));
    });
    this.#worker.once('exit', () => {
      clearTimeout(this.#idleTimer);
      this.#on.ended();
      this.#fail(new DaemonError('unavailable', 'the worker thread ended before its task'));
    });
    this.#worker.unref();
  }

  async run(task: { readonly kind: string }, { onProgress, signal }: RunOptions): Promise<unknown> {
    clearTimeout(this.#idleTimer);
    const job: Job = { outcome: deferred<unknown>(), onProgress };
    this.#job = job;
    const cancel = new SharedArrayBuffer(4);
    using _ = onAbort(signal, () => Atomics.store(new Int32Array(cancel), 0, 1));
    this.#worker.ref();
    this.#worker.postMessage({ task, cancel } satisfies TaskMessage);
    try {
      return await job.outcome.promise;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(answer: AnswerMessage): void {
    const job = this.#job;
    if (job === undefined) return;
    if (answer.type === 'progress') {
      job.onProgress?.(answer.progress);
      return;
    }
    this.#job = undefined;
    this.#rest();
    if (answer.type === 'done') job.outcome.resolve(answer.result);
    else job.outcome.reject(taskError(answer));
  }

  #rest(): void {
    this.#worker.unref();
    this.#idleTimer = setTimeout(() => {
      this.#on.ended();
      void this.end();
    }, IDLE_MS).unref();
    this.#on.idle();
  }

  #fail(error: DaemonError): void {
    this.#job?.outcome.reject(error);
    this.#job = undefined;
  }
}

function taskError({ kind, message, full }: AnswerMessage & { readonly type: 'error' }): DaemonError {
  if (full !== true) return new DaemonError(kind, message);
  return new DaemonError(kind, message, { cause: Object.assign(new Error(message), { code: 'ENOSPC' }) });
}

function workerError(cause: Error): DaemonError {
  if (isErrno(cause, 'ERR_WORKER_OUT_OF_MEMORY')) {
    return new DaemonError('resource-exhausted', 'the task needed more memory than a worker thread may have', {
      cause,
    });
  }
  return new DaemonError('internal', `the worker thread broke down: ${cause.message}`, { cause });
}
