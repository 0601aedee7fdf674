/** An open file descriptor. Who opened it closes it. */
export type Fd = number;

/** A file name or relative path as the kernel has it: bytes. A string stands for its UTF-8 bytes. */
export type RawName = Uint8Array | string;

/** A point in time as file systems keep it. */
export interface FileTime {
  /** Whole seconds since 1970, negative before. */
  readonly seconds: number;
  /** 0 to 999,999,999, counted forward from `seconds`. */
  readonly nanoseconds: number;
}

/** A new regular file with all that is known of it. */
export interface NewFile {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: FileTime;
  readonly content: Uint8Array;
}
