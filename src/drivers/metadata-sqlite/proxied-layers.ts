import { isKind, messageOf } from '../../base/errors.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import type { Logger } from '../../base/logger.js';
import type { Scoped } from '../../core/namespaces/scope.js';
import type { Snapshotter } from '../../core/snapshots/snapshotter.js';
import type { Database } from './database.js';
import type { LayerNumbers, Swept } from './layer-directories.js';

/** A snapshotter in another program. */
export interface ProxiedBackend {
  readonly name: string;
  /** Its snapshots; the keys are ours to choose, and namespaces are only told. */
  readonly snapshots: Scoped<Snapshotter>;
}

/**
 * The snapshots of another program's snapshotter that we know of, by number and by its key. Keys of ours have containerd's form,
 * `<namespace>/<number>/<name>`. Only what stands here is ever removed there.
 */
export class ProxiedLayers {
  readonly backend: ProxiedBackend;
  /** Held by key while a snapshot gets its name here, or is removed there. */
  readonly removing = new KeyedLock();
  readonly #db: Database;
  readonly #numbers: LayerNumbers;
  readonly #log: Logger;
  readonly #filling = new Set<number>();

  constructor(backend: ProxiedBackend, db: Database, numbers: LayerNumbers, log: Logger) {
    this.backend = backend;
    this.#db = db;
    this.#numbers = numbers;
    this.#log = log;
  }

  /** A number and a key; in the database before the other program is asked, so that nothing is left there by a crash. */
  take(namespace: string, name: string): { readonly layer: number; readonly key: string } {
    const layer = this.#numbers.next();
    const key = `${namespace}/${layer}/${name}`;
    this.#filling.add(layer);
    this.#db.change(() => {
      this.#add(layer, namespace, key);
    });
    return { layer, key };
  }

  /** Notes a snapshot that the other program has made by itself; part of a transaction. */
  found(namespace: string, key: string): number {
    const known = this.#db
      .sql<{ layer: number }>('SELECT layer FROM proxied_layers WHERE snapshotter = ? AND key = ?')
      .get(this.backend.name, key);
    if (known) return known.layer;
    const layer = this.#numbers.next();
    this.#add(layer, namespace, key);
    return layer;
  }

  /** The number has a name, or is given up: then the next collection removes what there is of it. */
  settled(layer: number): void {
    this.#filling.delete(layer);
  }

  /** Empty for no layer. */
  keyOf(layer: number | undefined): string {
    if (layer === undefined) return '';
    return this.#db.sql<{ key: string }>('SELECT key FROM proxied_layers WHERE layer = ?').get(layer)?.key ?? '';
  }

  /** Removes there what nothing names here, highest first; what can't be removed now is tried again by the next collection. */
  async sweep(signal?: AbortSignal): Promise<Swept> {
    let count = 0;
    for (const { id } of this.#unnamed()) {
      signal?.throwIfAborted();
      const key = this.keyOf(id);
      try {
        if (await this.removing.run(key, () => this.#remove(id, key))) count += 1;
      } catch (error) {
        const fields = { snapshotter: this.backend.name, key, error: messageOf(error) };
        this.#log.warn(fields, 'a snapshot stays in its snapshotter until it can be removed there');
        if (isKind(error, 'unavailable')) break;
      }
    }
    return { count, bytes: 0 };
  }

  async #remove(id: number, key: string): Promise<boolean> {
    if (!this.#unnamed().some((each) => each.id === id)) return false;
    const row = this.#db.sql<{ namespace: string }>('SELECT namespace FROM proxied_layers WHERE layer = ?').get(id);
    // Without a row (of a database that was rebuilt) nobody knows its key.
    if (row) {
      await this.backend
        .snapshots(row)
        .remove(key)
        .catch((error: unknown) => {
          if (!isKind(error, 'not-found')) throw error;
        });
    }
    this.#db.relieve(() => this.#db.sql('DELETE FROM layers WHERE id = ?').run(id));
    return true;
  }

  #unnamed(): readonly { readonly id: number }[] {
    return this.#db
      .sql<{ id: number }>(
        `SELECT id FROM layers WHERE snapshotter = ? AND id NOT IN (SELECT layer FROM snapshots) ORDER BY id DESC`,
      )
      .all(this.backend.name)
      .filter(({ id }) => !this.#filling.has(id));
  }

  #add(layer: number, namespace: string, key: string): void {
    this.#db.sql('INSERT INTO layers (id, snapshotter) VALUES (?, ?)').run(layer, this.backend.name);
    this.#db
      .sql(
        `INSERT INTO counters (name, value) VALUES ('layer', ?)
         ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
      )
      .run(layer);
    this.#db
      .sql('INSERT INTO proxied_layers (layer, snapshotter, namespace, key) VALUES (?, ?, ?, ?)')
      .run(layer, this.backend.name, namespace, key);
  }
}
