import { constants } from 'node:fs';
import { abortable } from '../base/abort.js';
import type { Descriptors, FifoSide } from '../core/kernel/descriptors.js';
import type { Fd } from '../core/kernel/directory-files.js';
import { addon } from './addon.js';
import { openConsole } from './console-socket.js';
import { EAGAIN } from './reaping.js';
import { check } from './outcome.js';
import { receiveMessage } from './receive-message.js';
import { watchDescriptor } from './watch.js';

const FIFO_FLAGS: Readonly<Record<FifoSide, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_WRONLY,
  both: constants.O_RDWR,
};

async function ready(fd: Fd, side: 'readable' | 'writable', signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  using watch = watchDescriptor(fd, side);
  await abortable(watch.ready, signal);
}

function pipeCalls() {
  const native = addon();
  const pair = new Int32Array(2);
  return {
    pipe(options) {
      check('pipe2', 'pipe', native.pipe(options?.nonBlocking ? constants.O_NONBLOCK : 0, pair));
      return { read: pair[0] ?? -1, write: pair[1] ?? -1 };
    },
    pipeSize: (fd) => check('F_GETPIPE_SZ', fd, native.pipeSize(fd)),
    setPipeSize: (fd, sizeBytes) => check('F_SETPIPE_SZ', fd, native.setPipeSize(fd, sizeBytes)),
    makeFifo(path, mode) {
      check('mkfifo', path, native.makeFifo(path, mode));
    },
    openFifo: (path, side) => check('open FIFO', path, native.openFifo(path, FIFO_FLAGS[side])),
    drainFifo(fifo, file, position, maxBytes) {
      const moved = native.drainFifo(fifo, file, position, maxBytes);
      return moved === EAGAIN ? undefined : check('splice', fifo, moved);
    },
    eventCounter: () => check('eventfd', 'counter', native.eventCounter()),
    takeEvents: (fd) => check('read eventfd', fd, native.takeEvents(fd)),
  } satisfies Partial<Descriptors>;
}

function socketCalls() {
  const native = addon();
  const pair = new Int32Array(2);
  const peer = new Float64Array(3);
  return {
    socketPair() {
      check('socketpair', 'unix', native.socketPair(pair));
      return [pair[0] ?? -1, pair[1] ?? -1];
    },
    peerOf(socket) {
      check('SO_PEERCRED', socket, native.peerOf(socket, peer));
      return { pid: peer[0] ?? 0, uid: peer[1] ?? 0, gid: peer[2] ?? 0 };
    },
    sendDescriptors(socket, bytes, fds) {
      check('sendmsg', socket, native.sendFds(socket, bytes, Int32Array.from(fds)));
    },
    receiveDescriptors: receiveMessage,
    openConsole,
  } satisfies Partial<Descriptors>;
}

export function createDescriptors(): Descriptors {
  const native = addon();
  return {
    close(fd) {
      check('close', fd, native.close(fd));
    },
    duplicate: (fd) => check('dup', fd, native.duplicate(fd)),
    ...pipeCalls(),
    ...socketCalls(),
    setTerminalSize(terminal, { rows, columns }) {
      check('TIOCSWINSZ', terminal, native.setTerminalSize(terminal, rows, columns));
    },
    ready,
    lockFile(path) {
      const fd = check('flock', path, native.lockFile(path));
      return {
        [Symbol.dispose]: () => {
          native.close(fd);
        },
      };
    },
  };
}
