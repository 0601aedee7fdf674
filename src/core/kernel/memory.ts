/** The memory of this process. */
export interface Memory {
  /**
   * Gives back what is not in use: garbage of this thread's heap, free pages of the allocator, and mapped pages of program files, which
   * come back from the page cache when they are used. Takes some tens of milliseconds, in which nothing else runs in this thread.
   *
   * @throws SyscallError: the kernel does not tell what is mapped.
   */
  releaseUnused(): void;
}
