import type { Digest } from '../../spec/digest.js';
import type { BlobOnDisk, BlobReader, Expected } from './content-store.js';

/** An open file of an ingest; the bytes are on disk, their names and labels are the metadata's matter. */
export interface IngestFile extends AsyncDisposable {
  readonly offset: number;
  readonly updatedAt: Date;
  digest(): Digest;
  write(bytes: Uint8Array): Promise<void>;
  truncate(offset: number): Promise<void>;
  /** As ContentWriter has it; absent where there are no files. */
  hold?(): Promise<BlobOnDisk>;
  /**
   * Verifies, flushes and links the blob under its digest; a blob already there is left as it is (a race has one winner, both succeed).
   *
   * @throws failed-precondition: another size or digest; the file stays.
   */
  publish(expected: Expected): Promise<{ readonly digest: Digest; readonly size: number }>;
}

/**
 * The bytes below the metadata: blobs by digest for the whole daemon, ingests by an opaque id. Knows no namespaces and no labels.
 * The metadata's ContentStore is built on it.
 */
export interface BlobStore {
  /** It may have blobs that were never brought here, and those need not be brought. */
  readonly selfFilling?: true;
  /** Opens an ingest's file, made when it is not there; its hash state is rebuilt from the bytes. */
  ingest(id: string, algorithm: 'sha256' | 'sha384' | 'sha512', signal?: AbortSignal): Promise<IngestFile>;
  /** Bytes of an ingest's file; undefined when there is none. */
  ingestSize(id: string): Promise<number | undefined>;
  removeIngest(id: string): Promise<void>;
  /** @throws not-found. */
  open(digest: Digest): Promise<BlobReader>;
  /** Bytes of the blob; undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  /** Already gone is no error. */
  remove(digest: Digest): Promise<void>;
  /** Every blob on disk, for reconciling with the metadata after a crash. There may be millions: they come bit by bit. */
  blobs(): AsyncIterable<Digest>;
  /** Every ingest id on disk. */
  ingests(): Promise<readonly string[]>;
}
