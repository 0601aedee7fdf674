import type { Fd } from './directory-files.js';

/** Who is at the other end of a unix socket, as the kernel noted it at connect (SO_PEERCRED). */
export interface Peer {
  /** 0 when the process is in a pid namespace that we do not see. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** What came with one message over a unix socket. The descriptors are close-on-exec and the receiver's to close. */
export interface ReceivedMessage {
  readonly bytes: Buffer;
  readonly fds: readonly Fd[];
}

/** The side of a FIFO that is opened. */
export type FifoSide = 'read' | 'write' | 'both';

/** A listening unix socket that hands out one terminal: what `runc create --console-socket` connects to. */
export interface ConsoleSocket extends AsyncDisposable {
  readonly path: string;
  /** Waits for the connection and returns the terminal's master side, the caller's to close. */
  receive(signal?: AbortSignal): Promise<Fd>;
}

/** Sockets, pipes, terminals and what else is known by a descriptor. All descriptors are close-on-exec. Throws SyscallError. */
export interface Descriptors {
  close(fd: Fd): void;
  /** A duplicate with an offset shared with `fd`. */
  duplicate(fd: Fd): Fd;
  pipe(options?: { readonly nonBlocking?: boolean }): { readonly read: Fd; readonly write: Fd };
  /** Capacity of a pipe or FIFO in bytes. */
  pipeSize(fd: Fd): number;
  /** @returns The capacity that the kernel made of it. EPERM over the user's limit. */
  setPipeSize(fd: Fd, sizeBytes: number): number;
  /** A connected pair of unix stream sockets, non-blocking. */
  socketPair(): readonly [Fd, Fd];
  peerOf(socket: Fd): Peer;
  /** Sends bytes (at least one) and descriptors in one message. EAGAIN when the socket is full. */
  sendDescriptors(socket: Fd, bytes: Uint8Array, fds: readonly Fd[]): void;
  /**
   * Receives one message of at most `maxBytes` and 16 descriptors, without waiting. Undefined when nothing is there
   * yet; `bytes` empty when the other end has closed. data-loss when descriptors did not fit.
   */
  receiveDescriptors(socket: Fd, maxBytes?: number): ReceivedMessage | undefined;
  /** Creates a FIFO; EEXIST. The mode is exact. */
  makeFifo(path: string, mode: number): void;
  /** Opens a FIFO without waiting for the other side; ENXIO for `write` while nobody reads. ENXIO too if it is no FIFO. */
  openFifo(path: string, side: FifoSide): Fd;
  /**
   * Moves at most `maxBytes` from a FIFO to a place in a file, without waiting (splice(2)). What is not in the file stays in the FIFO,
   * whenever this process dies.
   *
   * @returns The bytes moved: 0 when nobody has it open for writing and nothing is left. Undefined when nothing is there yet.
   */
  drainFifo(fifo: Fd, file: Fd, position: number, maxBytes: number): number | undefined;
  openConsole(path: string): Promise<ConsoleSocket>;
  setTerminalSize(terminal: Fd, size: TerminalSize): void;
  /** An eventfd, non-blocking: what cgroup v1 signals OOM through. */
  eventCounter(): Fd;
  /** Takes the count of an eventfd; 0 if nothing was signalled. */
  takeEvents(fd: Fd): number;
  /**
   * Settles once the descriptor is readable or writable, or its other end hung up; the event loop looks, no thread
   * waits. One waiter a descriptor. Rejects with the signal's reason on abort. Not for descriptors that a stream of Node has.
   */
  ready(fd: Fd, side: 'readable' | 'writable', signal?: AbortSignal): Promise<void>;
  /**
   * Takes the exclusive lock (flock(2)) of a file, created if it is missing. It ends with the process.
   *
   * @throws unavailable: another process has it (EAGAIN).
   */
  lockFile(path: string): Disposable;
}
