import { parentPort } from 'node:worker_threads';
import { DaemonError, isDiskFull, kindOf, messageOf } from '../../base/errors.js';
import type { AnswerMessage, TaskMessage } from './messages.js';

const REPORT_MS = 100;

/** How a task tells of its progress and learns that it is to stop. */
export interface TaskWatch {
  /** Cheap to call often: at most ten values a second are sent on. */
  report(progress: unknown): void;
  /** @throws canceled: the task is to stop. */
  check(): void;
}

/** Does one kind of task; what it returns crosses to the caller as a structured clone. */
export type TaskHandler = (task: never, watch: TaskWatch) => unknown;

/** Runs the tasks that this worker thread is given, for as long as it lives. To be called in a worker only. */
export function serveTasks(handlers: Readonly<Record<string, TaskHandler>>): void {
  const port = parentPort;
  if (port === null) throw new DaemonError('internal', 'the worker was started as a program of its own');
  const answer = (message: AnswerMessage) => {
    port.postMessage(message);
  };
  port.on('message', (message: TaskMessage) => void runTask(handlers, message, answer));
}

async function runTask(
  handlers: Readonly<Record<string, TaskHandler>>,
  { task, cancel }: TaskMessage,
  answer: (message: AnswerMessage) => void,
): Promise<void> {
  try {
    const handler = Object.hasOwn(handlers, task.kind) ? handlers[task.kind] : undefined;
    if (handler === undefined) throw new DaemonError('internal', `no worker knows tasks of kind ${task.kind}`);
    const result: unknown = await handler(task as never, watchOf(cancel, answer));
    answer({ type: 'done', result });
  } catch (error) {
    answer({ type: 'error', kind: kindOf(error), message: messageOf(error), full: isDiskFull(error) });
  }
}

function watchOf(cancel: SharedArrayBuffer, answer: (message: AnswerMessage) => void): TaskWatch {
  const flag = new Int32Array(cancel);
  let reportedAt = 0;
  return {
    report(progress) {
      const now = performance.now();
      if (now - reportedAt < REPORT_MS) return;
      reportedAt = now;
      answer({ type: 'progress', progress });
    },
    check() {
      if (Atomics.load(flag, 0) !== 0) throw new DaemonError('canceled', 'the task was canceled');
    },
  };
}
