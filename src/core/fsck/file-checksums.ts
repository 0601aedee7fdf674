import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { FileTime } from '../kernel/directory-files.js';

/** What is remembered at most; for the files of a larger layer the inventory reads them again. */
const FILES_MAX = 1_000_000;
const REGULAR = 0o100000;
/** Every file system has whole seconds from 1970 to here. */
const SECONDS_MAX = 2 ** 31 - 1;

/** What is known of the files of a layer from writing them, for its inventory. */
export interface KnownFiles {
  /** Whether any of them was given attributes. */
  readonly xattrs: boolean;
  /** `<size> <CRC-32>` of the file at a path (latin1), as an inventory has it. */
  content(path: string): string | undefined;
  /** The whole line of an inventory about a file without attributes, if the disk can't have it otherwise. */
  line(path: string): string | undefined;
}

/** For a layer of which nothing is known. */
export const NOTHING_KNOWN: KnownFiles = { xattrs: true, content: () => undefined, line: () => undefined };

/** A file's content as inventories tell it. */
export function contentText(sizeBytes: number, crc: number): string {
  return `${sizeBytes} ${crc.toString(16)}`;
}

/** What a file was given. */
export interface WrittenFile {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: FileTime;
  readonly sizeBytes: number;
}

/** Collects what the inventory is to tell of files as they are written. */
export class FileChecksums implements KnownFiles {
  /** By path: what follows the path in its line, or the content alone where a disk may have other times. */
  readonly #files: Map<string, string>;
  #xattrs: boolean;

  private constructor(files: Map<string, string>, xattrs: boolean) {
    this.#files = files;
    this.#xattrs = xattrs;
  }

  static empty(): FileChecksums {
    return new FileChecksums(new Map(), false);
  }

  get xattrs(): boolean {
    return this.#xattrs;
  }

  /** @param path latin1, without a leading slash. */
  wrote(path: string, file: WrittenFile, bytes: Uint8Array): void {
    this.sum(path, file, crc32(bytes));
  }

  sum(path: string, { mode, uid, gid, mtime, sizeBytes }: WrittenFile, crc: number): void {
    if (this.#files.size >= FILES_MAX) {
      this.#files.delete(path);
      return;
    }
    const { seconds, nanoseconds } = mtime;
    const content = contentText(sizeBytes, crc);
    const isExact = nanoseconds === 0 && seconds >= 0 && seconds <= SECONDS_MAX;
    this.#files.set(path, isExact ? `,${REGULAR | mode},${uid},${gid},${seconds},0,"${content}",[]]` : content);
  }

  linked(path: string, target: string): void {
    const known = this.#files.get(target);
    if (known === undefined) this.#files.delete(path);
    else this.#files.set(path, known);
  }

  /** What is at the path now was written otherwise. */
  forget(path: string): void {
    this.#files.delete(path);
  }

  gaveXattrs(): void {
    this.#xattrs = true;
  }

  content(path: string): string | undefined {
    const known = this.#files.get(path);
    return known?.startsWith(',') === true ? known.slice(known.indexOf('"') + 1, known.lastIndexOf('"')) : known;
  }

  line(path: string): string | undefined {
    if (this.#xattrs) return undefined;
    const known = this.#files.get(path);
    return known?.startsWith(',') === true ? `[${JSON.stringify(path)}${known}` : undefined;
  }

  save(file: string): void {
    const text = JSON.stringify({ files: [...this.#files], xattrs: this.#xattrs });
    writeFileSync(file, text, { encoding: 'latin1', mode: 0o600 });
  }

  /** Reads what `save` has written, and removes the file. */
  static take(file: string): FileChecksums {
    const { files, xattrs } = JSON.parse(readFileSync(file, 'latin1')) as {
      files: readonly (readonly [string, string])[];
      xattrs: boolean;
    };
    rmSync(file);
    return new FileChecksums(new Map(files), xattrs);
  }
}
