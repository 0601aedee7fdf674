import { setImmediate } from 'node:timers/promises';
import type { BlobStore } from '../../core/content/blob-store.js';
import type { Collectable, GcNode, GcObject } from '../../core/gc/graph.js';
import type { Digest } from '../../spec/digest.js';
import type { Labels } from '../../spec/labels.js';
import type { ContentState } from './content-state.js';
import type { LayerDirectories } from './layer-directories.js';
import { event, fromJson, type Shared } from './shared.js';

interface ObjectRow {
  readonly namespace: string;
  readonly key: string;
  readonly labels: string;
  /** What the kind's links are made of. */
  readonly first: string | null;
  readonly second: string | null;
}

/** Blobs looked up before others get their turn. */
const STRAYS_AT_ONCE = 500;

const OBJECTS = {
  image: 'SELECT namespace, name AS key, labels, digest AS first, NULL AS second FROM images',
  container: 'SELECT namespace, id AS key, labels, snapshotter AS first, snapshot_key AS second FROM containers',
  lease: `SELECT namespace, id AS key, labels, NULL AS second, (SELECT json_group_array(json_array(type, resource))
    FROM lease_resources WHERE lease_resources.namespace = leases.namespace AND lease = leases.id) AS first FROM leases`,
  content: 'SELECT namespace, digest AS key, labels, NULL AS first, NULL AS second FROM blobs',
  snapshot: `SELECT namespace, snapshotter || '/' || name AS key, labels, snapshotter AS first, parent AS second FROM snapshots`,
} as const;

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
    const removed = this.#shared.db.change(() => {
      const chosen = choose(this.#objects());
      for (const node of chosen) this.#remove(node, suspects, files);
      return chosen;
    });
    for (const digest of suspects) this.#content.suspects.add(digest);
    for (const file of files) this.#ingestFiles.add(file);
    return removed;
  }

  *#objects(): Generator<GcObject> {
    for (const kind of Object.keys(OBJECTS) as (keyof typeof OBJECTS)[]) {
      for (const row of this.#shared.db.sql<ObjectRow>(OBJECTS[kind]).iterate()) {
        const { namespace, key, labels } = row;
        yield { kind, namespace, key, labels: gcLabels(labels), links: linksOf(kind, row) };
      }
    }
    yield* this.#ingests();
  }

  *#ingests(): Generator<GcObject> {
    const rows = this.#shared.db
      .sql<{ namespace: string; ref: string; expected: string; shared: number; expires_ms: number | null }>(
        'SELECT namespace, ref, expected, shared, expires_ms FROM ingests',
      )
      .iterate();
    for (const row of rows) {
      const open = this.#content.writers.has(`${row.namespace}\0${row.ref}`);
      yield {
        kind: 'ingest',
        namespace: row.namespace,
        key: row.ref,
        labels: {},
        links: row.shared === 1 ? [{ kind: 'content', key: row.expected }] : [],
        held: open || (row.expires_ms !== null && row.expires_ms > Date.now()),
      };
    }
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

  async removeBytes(signal: AbortSignal): Promise<{ readonly files: number; readonly layers: number }> {
    await this.#findStrays(signal);
    let layers = 0;
    for (const directories of this.#directories) layers += await directories.sweep(signal);
    return { files: (await this.#sweepIngests(signal)) + (await this.#sweepBlobs(signal)), layers };
  }

  async #sweepIngests(signal: AbortSignal): Promise<number> {
    let count = 0;
    for (const file of this.#ingestFiles) {
      signal.throwIfAborted();
      if (!this.#content.rows.hasIngestFile(file)) {
        await this.#blobs.removeIngest(file);
        count += 1;
      }
      this.#ingestFiles.delete(file);
    }
    return count;
  }

  async #sweepBlobs(signal: AbortSignal): Promise<number> {
    let count = 0;
    for (const digest of this.#content.suspects) {
      signal.throwIfAborted();
      this.#content.suspects.delete(digest);
      await this.#content.naming.run(digest, async () => {
        if (this.#content.rows.isNamed(digest)) return;
        await this.#blobs.remove(digest);
        count += 1;
      });
    }
    return count;
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

const NO_LABELS: Labels = {};

/** Most blobs have none of the collector's labels, and need no parsing. */
function gcLabels(json: string): Labels {
  return json.includes('"containerd.io/gc.') ? fromJson(json) : NO_LABELS;
}

function linksOf(kind: keyof typeof OBJECTS, { first, second }: ObjectRow): GcObject['links'] {
  switch (kind) {
    case 'image':
      return [{ kind: 'content', key: first ?? '' }];
    case 'lease':
      return leaseLinks(first ?? '[]');
    case 'container':
    case 'snapshot':
      return first === null || first === '' || second === null ? [] : [{ kind: 'snapshot', key: `${first}/${second}` }];
    case 'content':
      return [];
  }
}

function leaseLinks(json: string): GcObject['links'] {
  return (JSON.parse(json) as [string, string][]).map(([type, id]) => {
    if (type === 'content') return { kind: 'content', key: id };
    if (type === 'images') return { kind: 'image', key: id };
    if (type === 'ingests') return { kind: 'ingest', key: id };
    return { kind: 'snapshot', key: `${type.slice('snapshots/'.length)}/${id}` };
  });
}
