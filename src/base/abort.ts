/** Calls `listener` with the reason once `signal` aborts (at once if it has); disposing stops listening. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): Disposable {
  if (!signal) return { [Symbol.dispose]: () => undefined };
  const listen = () => {
    listener(signal.reason);
  };
  if (signal.aborted) listen();
  else signal.addEventListener('abort', listen, { once: true });
  return {
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', listen);
    },
  };
}

/** Settles as `promise` does, or rejects with the signal's reason if that comes first; the work itself goes on. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const cut = deferred<never>();
  using _ = onAbort(signal, (reason) => {
    cut.reject(reason);
  });
  return await Promise.race([promise, cut.promise]);
}

/** A promise with its two ends. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes a promise that is settled from outside; an unobserved rejection of it is no unhandled one. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
