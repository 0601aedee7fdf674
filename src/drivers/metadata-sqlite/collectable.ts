import { setImmediate } from 'node:timers/promises';
import type { BlobStore } from '../../core/content/blob-store.js';
import { Doomed } from '../../core/gc/doomed.js';
import type { Collectable, GcNode, RemovedBytes } from '../../core/gc/graph.js';
import { tiesOf } from '../../core/gc/owners.js';
import { markUnreachable, type Marked } from '../../core/gc/unreachable.js';
import type { Digest } from '../../spec/digest.js';
import type { ContentState } from './content-state.js';
import type { LayerDirectories, Swept } from './layer-directories.js';
import type { MarkTask } from './marking.js';
import { readObject, readObjects } from './objects.js';
import { event, type Shared } from './shared.js';
import { TouchedObjects } from './touched-objects.js';

/** Names that go in one transaction, so that nobody else waits long. */
const REMOVED_AT_ONCE = 500;
/** How the collector comes to know what nothing needs. */
export interface Marking {
  /** Up to so many blobs, images and snapshots are marked in one transaction with their removal. */
  readonly atOnce: number;
  /** Marks larger stores elsewhere, on a view, while the daemon serves. */
  readonly mark: (task: MarkTask, signal: AbortSignal) => Promise<Marked>;
}

/** The database and what lies below it, as the collector sees it. */
export class SqliteCollectable implements Collectable {
  readonly #shared: Omit<Shared, 'collection'>;
  readonly #content: ContentState;
  readonly #blobs: BlobStore;
  readonly #directories: readonly Pick<LayerDirectories, 'sweep'>[];
  readonly #marking: Marking;
  readonly #ingestFiles = new Set<string>();
  #straysFound = false;

  constructor(
    shared: Omit<Shared, 'collection'>,
    content: ContentState,
    blobs: BlobStore,
    directories: readonly Pick<LayerDirectories, 'sweep'>[],
    marking: Marking,
  ) {
    this.#shared = shared;
    this.#content = content;
    this.#blobs = blobs;
    this.#directories = directories;
    this.#marking = marking;
  }

  async removeNames(signal: AbortSignal): Promise<readonly GcNode[]> {
    if (!this.#isLarge()) return this.#removeAtOnce();
    using touched = new TouchedObjects(this.#shared.db);
    const { path } = this.#shared.db;
    const writers = [...this.#content.writers.keys()];
    const marked = await this.#marking.mark({ kind: 'mark-unreachable', path, writers, nowMs: Date.now() }, signal);
    return await this.#removeInParts(new Doomed(marked), touched, signal);
  }

  /** Whether marking takes so long that others would notice. */
  #isLarge(): boolean {
    const { atOnce } = this.#marking;
    const counted = (table: string) => `SELECT 1 FROM ${table} LIMIT ${atOnce + 1}`;
    const text = ['blobs', 'images', 'snapshots']
      .map((table) => `SELECT * FROM (${counted(table)})`)
      .join(' UNION ALL ');
    const row = this.#shared.db.sql<{ count: number }>(`SELECT count(*) AS count FROM (${text})`).get();
    return (row?.count ?? 0) > atOnce;
  }

  #removeAtOnce(): readonly GcNode[] {
    return this.#removeChosen(
      () => markUnreachable(readObjects(this.#shared.db, this.#content.writers), Date.now()).doomed,
    );
  }

  async #removeInParts(doomed: Doomed, touched: TouchedObjects, signal: AbortSignal): Promise<readonly GcNode[]> {
    const removed: GcNode[] = [];
    for (let part = this.#removePart(doomed, touched); part.length > 0; part = this.#removePart(doomed, touched)) {
      doomed.taken(part);
      removed.push(...part);
      await setImmediate(undefined, { signal });
    }
    return removed;
  }

  #removePart(doomed: Doomed, touched: TouchedObjects): readonly GcNode[] {
    const { writers } = this.#content;
    return this.#removeChosen(() => {
      const held = [...writers.keys()].map((key) => `ingest\0${key}`);
      doomed.spare([...touched.take(), ...held], (id) => {
        const object = readObject(this.#shared.db, id, writers);
        return object && tiesOf(object);
      });
      return doomed.next(REMOVED_AT_ONCE);
    });
  }

  /** In one transaction with the events; `choose` may be called twice. */
  #removeChosen(choose: () => readonly GcNode[]): readonly GcNode[] {
    const suspects = new Set<Digest>();
    const files = new Set<string>();
    const removed = this.#shared.db.relieve(() => {
      const chosen = choose();
      for (const node of chosen) this.#remove(node, suspects, files);
      return chosen;
    });
    for (const digest of suspects) this.#content.suspects.add(digest);
    for (const file of files) this.#ingestFiles.add(file);
    return removed;
  }

  #remove(node: GcNode, suspects: Set<Digest>, files: Set<string>): void {
    const { db, journal } = this.#shared;
    const { namespace, key } = node;
    switch (node.kind) {
      case 'content':
        db.sql('DELETE FROM blobs WHERE namespace = ? AND digest = ?').run(namespace, key);
        journal.record(namespace, event('/content/delete', 'containerd.events.ContentDelete', { digest: key }));
        suspects.add(key as Digest);
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

  #removeIngest(namespace: string, ref: string, suspects: Set<Digest>, files: Set<string>): void {
    const row = this.#content.rows.ingest(namespace, ref);
    if (!row) return;
    this.#shared.db.sql('DELETE FROM ingests WHERE namespace = ? AND ref = ?').run(namespace, ref);
    files.add(row.file);
    if (row.shared === 1) suspects.add(row.expected as Digest);
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
    for await (const digest of this.#blobs.blobs()) {
      signal.throwIfAborted();
      if (!this.#content.rows.isNamed(digest)) this.#content.suspects.add(digest);
    }
    for (const file of await this.#blobs.ingests())
      if (!this.#content.rows.hasIngestFile(file)) this.#ingestFiles.add(file);
    this.#straysFound = true;
  }
}
