import { setImmediate } from 'node:timers/promises';
import type { BlobStore } from '../../core/content/blob-store.js';
import type { Collectable, GcNode, GcObject, RemovedBytes } from '../../core/gc/graph.js';
import type { Digest } from '../../spec/digest.js';
import type { ContentState } from './content-state.js';
import type { LayerDirectories, Swept } from './layer-directories.js';
import { readObjects } from './objects.js';
import { event, type Shared } from './shared.js';

/** Blobs looked up before others get their turn. */
const STRAYS_AT_ONCE = 500;

/** The database and what lies below it, as the collector sees it. */
export class SqliteCollectable implements Collectable {
  readonly #shared: Omit<Shared, 'collection'>;
  readonly #content: ContentState;
  readonly #blobs: BlobStore;
  readonly #directories: readonly LayerDirectories[];
  readonly #ingestFiles = new Set<string>();
  #straysFound = false;

  constructor(
    shared: Omit<Shared, 'collection'>,
    content: ContentState,
    blobs: BlobStore,
    directories: readonly LayerDirectories[],
  ) {
    this.#shared = shared;
    this.#content = content;
    this.#blobs = blobs;
    this.#directories = directories;
  }

  removeNames(choose: (objects: Iterable<GcObject>) => readonly GcNode[]): readonly GcNode[] {
    const suspects: Digest[] = [];
    const files: string[] = [];
    const removed = this.#shared.db.relieve(() => {
      const chosen = choose(readObjects(this.#shared.db, this.#content.writers));
      for (const node of chosen) this.#remove(node, suspects, files);
      return chosen;
    });
    for (const digest of suspects) this.#content.suspects.add(digest);
    for (const file of files) this.#ingestFiles.add(file);
    return removed;
  }

  #remove(node: GcNode, suspects: Digest[], files: string[]): void {
    const { db, journal } = this.#shared;
    const { namespace, key } = node;
    switch (node.kind) {
      case 'content':
        db.sql('DELETE FROM blobs WHERE namespace = ? AND digest = ?').run(namespace, key);
        journal.record(namespace, event('/content/delete', 'containerd.events.ContentDelete', { digest: key }));
        suspects.push(key as Digest);
        return;
      case 'image':
        db.sql('DELETE FROM images WHERE namespace = ? AND name = ?').run(namespace, key);
        journal.record(namespace, event('/images/delete', 'containerd.services.images.v1.ImageDelete', { name: key }));
        return;
      case 'snapshot':
        this.#removeSnapshot(namespace, key);
        return;
      case 'ingest':
        this.#removeIngest(namespace, key, suspects, files);
        return;
      case 'lease':
        db.sql('DELETE FROM leases WHERE namespace = ? AND id = ?').run(namespace, key);
        return;
      case 'container': // always a root
    }
  }

  #removeSnapshot(namespace: string, id: string): void {
    const at = id.indexOf('/');
    const [snapshotter, key] = [id.slice(0, at), id.slice(at + 1)];
    this.#shared.db
      .sql('DELETE FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name = ?')
      .run(namespace, snapshotter, key);
    const happened = event('/snapshot/remove', 'containerd.events.SnapshotRemove', { key, snapshotter });
    this.#shared.journal.record(namespace, happened);
  }

  #removeIngest(namespace: string, ref: string, suspects: Digest[], files: string[]): void {
    const row = this.#content.rows.ingest(namespace, ref);
    if (!row) return;
    this.#shared.db.sql('DELETE FROM ingests WHERE namespace = ? AND ref = ?').run(namespace, ref);
    files.push(row.file);
    if (row.shared === 1) suspects.push(row.expected as Digest);
  }

  async removeBytes(signal: AbortSignal): Promise<RemovedBytes> {
    await this.#findStrays(signal);
    let [layers, bytes] = [0, 0];
    for (const directories of this.#directories) {
      const swept = await directories.sweep(signal);
      layers += swept.count;
      bytes += swept.bytes;
    }
    const [ingests, blobs] = [await this.#sweepIngests(signal), await this.#sweepBlobs(signal)];
    return { files: ingests.count + blobs.count, layers, bytes: bytes + ingests.bytes + blobs.bytes };
  }

  async #sweepIngests(signal: AbortSignal): Promise<Swept> {
    let [count, bytes] = [0, 0];
    for (const file of this.#ingestFiles) {
      signal.throwIfAborted();
      const size = this.#content.rows.hasIngestFile(file) ? undefined : await this.#blobs.ingestSize(file);
      if (size !== undefined) {
        await this.#blobs.removeIngest(file);
        count += 1;
        bytes += size;
      }
      this.#ingestFiles.delete(file);
    }
    return { count, bytes };
  }

  async #sweepBlobs(signal: AbortSignal): Promise<Swept> {
    let [count, bytes] = [0, 0];
    for (const digest of this.#content.suspects) {
      signal.throwIfAborted();
      this.#content.suspects.delete(digest);
      await this.#content.naming.run(digest, async () => {
        const size = this.#content.rows.isNamed(digest) ? undefined : await this.#blobs.size(digest);
        if (size === undefined) return;
        await this.#blobs.remove(digest);
        count += 1;
        bytes += size;
      });
    }
    return { count, bytes };
  }

  /**
   * Once after the start, every file that the database does not name is put on the list: a crash may have left it. What is being written
   * meanwhile has its row first, or holds the lock that the sweep takes.
   */
  async #findStrays(signal: AbortSignal): Promise<void> {
    if (this.#straysFound) return;
    const { blobs, ingests } = await this.#blobs.inventory();
    let looked = 0;
    for (const digest of blobs) {
      if (!this.#content.rows.isNamed(digest)) this.#content.suspects.add(digest);
      looked += 1;
      if (looked % STRAYS_AT_ONCE === 0) await setImmediate(undefined, { signal });
    }
    for (const file of ingests) if (!this.#content.rows.hasIngestFile(file)) this.#ingestFiles.add(file);
    this.#straysFound = true;
  }
}
