import { rmSync } from 'node:fs';
import { abortable } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { ConsoleSocket, ReceivedMessage } from '../core/kernel/descriptors.js';
import type { Fd } from '../core/kernel/directory-files.js';
import { addon } from './addon.js';
import { check } from './outcome.js';
import { receiveMessage } from './receive-message.js';
import { watchDescriptor } from './watch.js';

const EAGAIN = -11;

/** Asks again each time that the descriptor is readable, until there is an answer. */
async function whenReadable<T>(fd: Fd, ask: () => T | undefined, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const answer = ask();
    if (answer !== undefined) return answer;
    using watch = watchDescriptor(fd, 'readable');
    await abortable(watch.ready, signal);
  }
}

function accept(listener: Fd, path: string): Fd | undefined {
  const outcome = addon().accept(listener);
  return outcome === EAGAIN ? undefined : check('accept', path, outcome);
}

/** The first descriptor counts; others, which runc never sends, are closed. */
function terminalOf({ fds: [terminal, ...others] }: ReceivedMessage, path: string): Fd {
  for (const fd of others) addon().close(fd);
  if (terminal === undefined) {
    throw new DaemonError('unavailable', `console socket ${path}: the runtime closed it without sending a terminal`);
  }
  return terminal;
}

async function receive(listener: Fd, path: string, signal: AbortSignal | undefined): Promise<Fd> {
  const connection = await whenReadable(listener, () => accept(listener, path), signal);
  try {
    return terminalOf(await whenReadable(connection, () => receiveMessage(connection), signal), path);
  } finally {
    addon().close(connection);
  }
}

/** Listens at `path`, mode 0600, for the one connection that brings a terminal. */
export function openConsole(path: string): Promise<ConsoleSocket> {
  const listener = check('listen', path, addon().listen(path, 1));
  let open = true;
  return Promise.resolve({
    path,
    receive: (signal?: AbortSignal) => receive(listener, path, signal),
    [Symbol.asyncDispose]: () => {
      if (open) {
        open = false;
        addon().close(listener);
        rmSync(path, { force: true });
      }
      return Promise.resolve();
    },
  });
}
