/** A member of an archive that is read. */
export interface ArchiveMember {
  /** As the archive has it. */
  readonly path: string;
  readonly kind: 'file' | 'symlink' | 'hardlink' | 'other';
  /** Bytes of a file. */
  readonly size: number;
  /** Where a link leads, as the archive has it; empty for others. */
  readonly target: string;
  /** To be read, or left, before the next member is asked for. */
  readonly data: AsyncIterable<Uint8Array>;
}

/** A member of an archive that is written: a file with its bytes, or a directory. */
export type NewArchiveMember =
  | { readonly path: string; readonly kind: 'directory' }
  | { readonly path: string; readonly kind: 'file'; readonly size: number; readonly data: AsyncIterable<Uint8Array> };

/** How the members of an archive are strung together. */
export interface ArchiveFormat {
  /**
   * Takes an archive apart, packed by gzip or not, in one pass.
   *
   * @throws invalid-argument: no archive, or one that is cut off.
   */
  read(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<ArchiveMember>;
  /** Puts one together; the same members give the same bytes. @throws What the members' data throw. */
  write(members: AsyncIterable<NewArchiveMember>, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
