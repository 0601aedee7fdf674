import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Crc32 } from '../kernel/checksums.js';
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
  /** Of the files in one directory, by name. All paths and names are latin1 of the raw bytes; the path of the top is empty. */
  within(directory: string): KnownDirectory | undefined;
}

/** What is known of the files in one directory. */
export interface KnownDirectory {
  /** `<size> <CRC-32>` of a file, as an inventory has it. */
  content(name: string): string | undefined;
  /** What follows the path in a file's line of an inventory, if it has no attributes and the disk can't have it otherwise. */
  restOfLine(name: string): string | undefined;
}

/** For a layer of which nothing is known. */
export const NOTHING_KNOWN: KnownFiles = { xattrs: true, within: () => undefined };

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

/** By name: what follows the path in its line, or the content alone where a disk may have other times. */
class WrittenDirectory implements KnownDirectory {
  readonly files = new Map<string, string>();

  content(name: string): string | undefined {
    const known = this.files.get(name);
    return known?.startsWith(',') === true ? known.slice(known.indexOf('"') + 1, known.lastIndexOf('"')) : known;
  }

  restOfLine(name: string): string | undefined {
    const known = this.files.get(name);
    return known?.startsWith(',') === true ? known : undefined;
  }
}

/** Collects what the inventory is to tell of files as they are written. Directories and names are latin1; the path of the top is empty. */
export class FileChecksums implements KnownFiles {
  readonly #directories = new Map<string, WrittenDirectory>();
  readonly #crc32: Crc32;
  #size = 0;
  #xattrs = false;
  /** Most files lie where the one before them does. */
  #last: { readonly path: string; readonly directory: WrittenDirectory } | undefined;

  constructor(sum: Crc32 = crc32) {
    this.#crc32 = sum;
  }

  get xattrs(): boolean {
    return this.#xattrs;
  }

  /** @param bytes All of them. */
  wrote(directory: string, name: string, file: WrittenFile, bytes: Uint8Array): void {
    this.sum(directory, name, file, this.#crc32(bytes));
  }

  sum(directory: string, name: string, { mode, uid, gid, mtime, sizeBytes }: WrittenFile, crc: number): void {
    const { seconds, nanoseconds } = mtime;
    const content = contentText(sizeBytes, crc);
    const isExact = nanoseconds === 0 && seconds >= 0 && seconds <= SECONDS_MAX;
    this.#set(directory, name, isExact ? `,${REGULAR | mode},${uid},${gid},${seconds},0,"${content}",[]]` : content);
  }

  /** @param rest What follows the path in the file's line, or its content alone where a disk may have other times. */
  know(directory: string, name: string, rest: string): void {
    this.#set(directory, name, rest);
  }

  /** @param from Of which the file is a further name. */
  linked(directory: string, name: string, from: { readonly directory: string; readonly name: string }): void {
    const known = this.#directories.get(from.directory)?.files.get(from.name);
    if (known === undefined) this.forget(directory, name);
    else this.#set(directory, name, known);
  }

  /** What is there now was written otherwise. */
  forget(directory: string, name: string): void {
    if (this.#directories.get(directory)?.files.delete(name) === true) this.#size -= 1;
  }

  gaveXattrs(): void {
    this.#xattrs = true;
  }

  within(directory: string): KnownDirectory | undefined {
    return this.#directories.get(directory);
  }

  #set(directory: string, name: string, known: string): void {
    if (this.#size >= FILES_MAX) {
      this.forget(directory, name);
      return;
    }
    const { files } = this.#directoryOf(directory);
    const before = files.size;
    files.set(name, known);
    this.#size += files.size - before;
  }

  #directoryOf(path: string): WrittenDirectory {
    if (this.#last?.path === path) return this.#last.directory;
    const directory = this.#directories.get(path) ?? new WrittenDirectory();
    this.#directories.set(path, directory);
    this.#last = { path, directory };
    return directory;
  }

  save(file: string): void {
    const directories = [...this.#directories].map(([path, { files }]) => [path, [...files]]);
    writeFileSync(file, JSON.stringify({ directories, xattrs: this.#xattrs }), { encoding: 'latin1', mode: 0o600 });
  }

  /** Reads what `save` has written, and removes the file. */
  static take(file: string): FileChecksums {
    const { directories, xattrs } = JSON.parse(readFileSync(file, 'latin1')) as {
      directories: readonly (readonly [path: string, files: readonly (readonly [name: string, known: string])[]])[];
      xattrs: boolean;
    };
    rmSync(file);
    const taken = new FileChecksums();
    taken.#xattrs = xattrs;
    for (const [path, files] of directories) for (const [name, known] of files) taken.#set(path, name, known);
    return taken;
  }
}
