import type { Digest } from '../../spec/digest.js';
import type { Labels } from '../../spec/labels.js';

export interface ContentInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly labels: Labels;
}

export interface IngestStatus {
  readonly ref: string;
  /** Bytes written so far. */
  readonly offset: number;
  /** Bytes expected in all; 0 when not known. */
  readonly total: number;
  readonly expected?: Digest;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

/** What the caller knows of a blob before its bytes are there. */
export interface Expected {
  /** Bytes. */
  readonly size?: number;
  readonly digest?: Digest;
}

/** A piece of a blob; `offset` counts from the blob's start. At most 1 MiB of bytes. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What of a blob is read, in bytes, and for how long the caller keeps it. */
export interface ChunkRange {
  readonly from?: number;
  readonly to?: number;
  readonly lent?: boolean;
}

/** A blob that workers can read by its path until it is disposed. */
export interface BlobOnDisk extends AsyncDisposable {
  readonly path: string;
}

/** An open blob; reading stays possible until disposed, also when the blob is deleted meanwhile. */
export interface BlobReader extends AsyncDisposable {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Where the bytes lie as a plain file of this machine, for workers and helpers that read it themselves; absent in a remote store. */
  readonly path?: string;
  /**
   * @param range `from` inclusive (default 0), `to` exclusive (default the size), in bytes. `lent`: the bytes of a chunk are the
   * caller's only until it asks for the next; so one block of memory is enough for all.
   * @throws out-of-range: outside the blob. data-loss: the file is shorter than its record.
   */
  chunks(range?: ChunkRange, signal?: AbortSignal): AsyncIterable<Chunk>;
}

/**
 * An open ingest, the only one of its ref. Disposing without `commit` keeps the bytes for a resume; disposing twice is no error.
 */
export interface ContentWriter extends AsyncDisposable {
  /** The state as of now; offset counts what was written. */
  status(): IngestStatus;
  /** Digest of the bytes written so far, by the algorithm of the expected digest (sha256 when none was given). */
  digest(): Digest;
  /** Appends at the current offset. @throws resource-exhausted: no room (the bytes so far are kept). */
  write(bytes: Uint8Array): Promise<void>;
  /** Throws away what lies beyond `offset` bytes. @throws out-of-range: beyond what is there. */
  truncate(offset: number): Promise<void>;
  /**
   * What is written, as a file of this machine that workers can read until it is disposed, whatever becomes of the ingest. Undefined
   * where the bytes lie in none of their own.
   */
  hold?(): Promise<BlobOnDisk | undefined>;
  /**
   * Verifies size and digest, syncs, and gives the blob its digest as name. Closes the writer, whatever comes of it.
   *
   * @returns The blob's record, `labels` merged in.
   * @throws failed-precondition: another size or digest than expected; the ingest stays under its ref.
   * already-exists: the content is there; the ingest is removed, and the content has joined the scope's lease.
   */
  commit(expected?: Expected, labels?: Labels, signal?: AbortSignal): Promise<ContentInfo>;
}

/** Keeps blobs by digest, and ingests by ref. */
export interface ContentStore {
  /** @throws not-found. */
  info(digest: Digest): Promise<ContentInfo>;
  /**
   * Sets labels: those named by `fieldPaths` (`labels`, `labels.<key>`; an empty value removes), all of them without paths.
   *
   * @throws not-found. invalid-argument: another path.
   */
  update(digest: Digest, labels: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo>;
  /** One consistent view, ordered by digest. @param filters containerd's filter grammar; any one that fits suffices, none means all. */
  list(filters?: readonly string[], signal?: AbortSignal): AsyncIterable<ContentInfo>;
  /** Drops the name at once; the bytes go when nothing else names them. @throws not-found. */
  delete(digest: Digest): Promise<void>;
  /** @throws not-found. */
  open(digest: Digest, signal?: AbortSignal): Promise<BlobReader>;
  /**
   * Starts an ingest, or resumes the one kept under `ref` at its stored offset; one that was begun for another size starts anew.
   * A blob that another namespace has may be shared by its expected digest: then the offset is its size at once.
   *
   * @param ref Caller's name for the ingest; unique per namespace, at most one open writer; any text of 1 to 4096 characters.
   * @param expected Size in bytes and digest where known; checked again by `commit`.
   * @throws already-exists: `expected.digest` is committed (and has joined the scope's lease). unavailable: another writer holds
   * `ref`. not-found: the scope's lease.
   */
  writer(ref: string, expected?: Expected, signal?: AbortSignal): Promise<ContentWriter>;
  /** @throws not-found. */
  status(ref: string): Promise<IngestStatus>;
  /** Ordered by ref. */
  statuses(filters?: readonly string[]): Promise<readonly IngestStatus[]>;
  /** Throws the ingest's bytes away. @throws not-found. unavailable: a writer is open. */
  abort(ref: string): Promise<void>;
}
