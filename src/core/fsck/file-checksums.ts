import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** What is remembered at most; for the files of a larger layer the inventory reads them again. */
const FILES_MAX = 1_000_000;

/** What is known of the files of a layer from writing them, for its inventory. */
export interface KnownFiles {
  /** By path (latin1): `<size> <CRC-32>`, as an inventory has it. */
  readonly contents: ReadonlyMap<string, string>;
  /** Whether any of them was given attributes. */
  readonly xattrs: boolean;
}

/** For a layer of which nothing is known. */
export const NOTHING_KNOWN: KnownFiles = { contents: new Map(), xattrs: true };

/** A file's content as inventories tell it. */
export function contentText(sizeBytes: number, crc: number): string {
  return `${sizeBytes} ${crc.toString(16)}`;
}

/** Collects the checksums of files as they are written. */
export class FileChecksums {
  readonly #contents = new Map<string, string>();
  #xattrs = false;

  /** @param path latin1, without a leading slash. */
  wrote(path: string, bytes: Uint8Array): void {
    this.sum(path, bytes.length, crc32(bytes));
  }

  sum(path: string, sizeBytes: number, crc: number): void {
    if (this.#contents.size < FILES_MAX) this.#contents.set(path, contentText(sizeBytes, crc));
    else this.#contents.delete(path);
  }

  linked(path: string, target: string): void {
    const known = this.#contents.get(target);
    if (known === undefined) this.#contents.delete(path);
    else this.#contents.set(path, known);
  }

  /** What is at the path now was written otherwise. */
  forget(path: string): void {
    this.#contents.delete(path);
  }

  gaveXattrs(): void {
    this.#xattrs = true;
  }

  save(file: string): void {
    const text = JSON.stringify({ contents: [...this.#contents], xattrs: this.#xattrs });
    writeFileSync(file, text, { encoding: 'latin1', mode: 0o600 });
  }
}

/** Reads what `save` has written, and removes the file. */
export function takeKnownFiles(file: string): KnownFiles {
  const { contents, xattrs } = JSON.parse(readFileSync(file, 'latin1')) as {
    contents: readonly (readonly [string, string])[];
    xattrs: boolean;
  };
  rmSync(file);
  return { contents: new Map(contents), xattrs };
}
