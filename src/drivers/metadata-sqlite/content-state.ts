import { KeyedLock } from '../../base/keyed-lock.js';
import type { BlobStore } from '../../core/content/blob-store.js';
import type { ContentWriter } from '../../core/content/content-store.js';
import type { Digest } from '../../spec/digest.js';
import type { ContentRows } from './content-rows.js';
import type { Shared } from './shared.js';

/** What the content stores of all namespaces share: open writers, and who is about to name or unname a blob. */
export interface ContentState {
  readonly shared: Shared;
  readonly rows: ContentRows;
  readonly blobs: BlobStore;
  /** Open writers by namespace and ref. */
  readonly writers: Map<string, OpenWriter>;
  /** Held by digest while a blob gets its first name, and while an unnamed one is removed. */
  readonly naming: KeyedLock;
  /** Blobs that may have lost their last name, for the next sweep to look at. */
  readonly suspects: Set<Digest>;
}

/** The one writer of a ref, from the moment it is asked for. */
export interface OpenWriter {
  readonly since: Date;
  writer?: ContentWriter;
}

export function createContentState(shared: Shared, rows: ContentRows, blobs: BlobStore): ContentState {
  return { shared, rows, blobs, writers: new Map(), naming: new KeyedLock(), suspects: new Set() };
}
