import type { Fd } from './directory-files.js';

/** Memory of this process that others see too. Disposal gives it back here, and empties `bytes`. */
export interface SharedMemory extends Disposable {
  readonly fd: Fd;
  readonly bytes: Buffer;
}

/** The memory of this process. */
export interface Memory {
  /**
   * Gives back what is not in use: garbage of this thread's heap, free pages of the allocator, and mapped pages of program files, which
   * come back from the page cache when they are used. Takes some tens of milliseconds, in which nothing else runs in this thread.
   *
   * @throws SyscallError: the kernel does not tell what is mapped.
   */
  releaseUnused(): void;
  /** Of that the mapped pages of program files alone: nothing is collected, so nothing follows. @throws SyscallError: as above. */
  releaseCode(): void;
  /** Memory that a child can share by its descriptor; zeros at first. @throws SyscallError. */
  share(sizeBytes: number): SharedMemory;
}
