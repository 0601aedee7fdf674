/** Threads that run blocking work. A task is a plain value with a `kind` that the worker's own file knows. */
export interface WorkerPool {
  /**
   * Runs `task` on a free thread. Progress values come in order, at most some ten a second.
   *
   * @throws What the task threw, as a DaemonError of its kind; the signal's reason on abort, after the thread has stopped working.
   */
  run<Result>(
    task: { readonly kind: string },
    options?: { readonly onProgress?: (progress: unknown) => void; readonly signal?: AbortSignal },
  ): Promise<Result>;
}
