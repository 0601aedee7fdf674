import type { ErrorKind } from '../../base/errors.js';

/** One task for a worker; it has one at a time. */
export interface TaskMessage {
  readonly task: { readonly kind: string };
  /** One 32-bit number in shared memory: 1 once the task is to stop, seen also by code that never yields. */
  readonly cancel: SharedArrayBuffer;
}

/** What a worker answers: any number of `progress`, then `done` or `error`. */
export type AnswerMessage =
  | { readonly type: 'progress'; readonly progress: unknown }
  | { readonly type: 'done'; readonly result: unknown }
  | {
      readonly type: 'error';
      readonly kind: ErrorKind;
      readonly message: string;
      /** A full disk is behind it; causes do not cross threads. */
      readonly full?: boolean;
    };
