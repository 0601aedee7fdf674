import type { Fd } from '../kernel/directory-files.js';

/** Packs a file or tree as a tar, in a worker thread. Nothing outside of the root is opened, whatever changes meanwhile. */
export interface PackTreeTask extends ReadPlace {
  readonly kind: 'pack-tree';
  readonly root: Fd;
  /** A pipe that the tar goes into; the task waits for its reader. */
  readonly into: Fd;
}

/** What is read of a root file system. */
export interface ReadPlace {
  readonly path: string;
  /** What the last link leads to. */
  readonly followLink: boolean;
  /** First component of the names in the tar. */
  readonly name: string;
  /** Numbers of file systems (st_dev) that are not descended into: those of the kernel. */
  readonly skipped: readonly number[];
}

/** Unpacks a tar, in a worker thread, inside of the root. */
export interface UnpackTreeTask extends WritePlace {
  readonly kind: 'unpack-tree';
  readonly root: Fd;
  /** A pipe that the tar comes from; the task waits for its writer. */
  readonly from: Fd;
}

/** Where what is written goes, as in wharfd.services.copy.v1.WriteStart. */
export interface WritePlace {
  readonly path: string;
  readonly name: string;
  readonly directory: boolean;
  readonly contents: boolean;
  readonly archive: boolean;
  readonly keepOwner: boolean;
}

/** Files of an open root directory as tar streams. */
export interface FileCopies {
  /** The tar, at the pace of whoever reads it. @throws not-found. What the kernel says. */
  pack(root: Fd, place: ReadPlace, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** @throws invalid-argument: no tar, or one that can't be there. not-found: no such directory. What the kernel says. */
  unpack(root: Fd, place: WritePlace, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
}
