import { dirname } from 'node:path';
import { DaemonError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { Teardown } from '../../base/teardown.js';
import type { RenamingContainerStore } from '../../core/containers/container-store.js';
import type { BlobStore } from '../../core/content/blob-store.js';
import type { ContentStore } from '../../core/content/content-store.js';
import type { Journal } from '../../core/events/journal.js';
import type { TaskIndex, TaskStore } from '../../core/execution/task-store.js';
import { Collector } from '../../core/gc/collector.js';
import type { LayerRecord } from '../../core/fsck/layer-record.js';
import type { OwnImageStore } from '../../core/images/image-store.js';
import type { LeaseStore } from '../../core/leases/lease-store.js';
import type { NamespaceStore } from '../../core/namespaces/namespace-store.js';
import type { Scoped } from '../../core/namespaces/scope.js';
import type { SandboxRuns, SandboxStore } from '../../core/sandboxes/sandbox-store.js';
import type { SnapshotBackend } from '../../core/snapshots/snapshot-backend.js';
import type { LayeredSnapshotter, Snapshotter } from '../../core/snapshots/snapshotter.js';
import type { DiskInventory } from '../../core/usage/disk-inventory.js';
import { SqliteCollectable, type Marking } from './collectable.js';
import { SqliteContainers } from './container-store.js';
import { ContentRows, type Sharing } from './content-rows.js';
import { createContentState } from './content-state.js';
import { SqliteContent } from './content-store.js';
import { MARKED_AT_ONCE, markOnView } from './marking.js';
import type { Database } from './database.js';
import { SqliteDiskInventory } from './disk-inventory.js';
import { DEFAULT_RETENTION, SqliteJournal, type Retention } from './events.js';
import { SqliteImages } from './image-store.js';
import { LayerDirectories, LayerNumbers } from './layer-directories.js';
import { checkLayout } from './layout.js';
import { SqliteLeases } from './lease-store.js';
import { SqliteNamespaces } from './namespace-store.js';
import type { Collection, Shared } from './shared.js';
import { openOrRebuild, takeInBlobs } from './rebuild.js';
import { SqliteSandboxRuns, SqliteSandboxes } from './sandbox-store.js';
import { ProxiedLayers, type ProxiedBackend } from './proxied-layers.js';
import { createProxiedState, ProxiedSnapshotter } from './proxied-snapshotter.js';
import { createSnapshotState, SqliteSnapshotter } from './snapshotter.js';
import { unpackedLayers } from './unpacked-layers.js';
import { SqliteTaskIndex, SqliteTasks } from './task-store.js';

export interface MetadataOptions {
  /** The database file; the root's layout version lies beside it. */
  readonly path: string;
  readonly blobs: BlobStore;
  readonly backends: readonly SnapshotBackend[];
  /** Snapshotters of other programs. */
  readonly proxied?: readonly ProxiedBackend[];
  readonly log: Logger;
  /** Whether a namespace may name blobs of others by their digest alone; default `shared`, as in containerd. */
  readonly sharing?: Sharing;
  /** From a deletion to the collection it asks for; default 500. */
  readonly collectDelayMs?: number;
  /** How often an idle daemon collects; default 10 minutes. */
  readonly collectIntervalMs?: number;
  /** How large stores are marked; default in this very thread. */
  readonly marking?: Marking;
  /** Which events the journal keeps. */
  readonly retention?: Retention;
}

/** Everything the daemon remembers. Disposing ends the collector, then closes the database. */
export interface Metadata extends AsyncDisposable {
  readonly content: Scoped<ContentStore>;
  readonly images: Scoped<OwnImageStore>;
  readonly containers: Scoped<RenamingContainerStore>;
  readonly sandboxes: Scoped<SandboxStore>;
  readonly sandboxRuns: Scoped<SandboxRuns>;
  readonly leases: Scoped<LeaseStore>;
  readonly tasks: Scoped<TaskStore>;
  /** By the name of its backend, in the order of the options. */
  readonly snapshotters: ReadonlyMap<string, Scoped<LayeredSnapshotter>>;
  /** Those of other programs, by name. */
  readonly proxied: ReadonlyMap<string, Scoped<Snapshotter>>;
  readonly namespaces: NamespaceStore;
  readonly journal: Journal;
  readonly taskIndex: TaskIndex;
  readonly collector: Collector;
  readonly disk: DiskInventory;
  /** Calls `notify` after each change of what a topic is about, before anybody can know of it. To be called once. */
  readonly onChange: (notify: (topic: ChangeTopic) => void) => void;
  /** Tells of documents too: bytes have changed under a blob whose record stays as it is. */
  readonly documentsChanged: () => void;
  /** Layers that were unpacked by us, in the order in which they were made. */
  readonly layers: () => readonly LayerRecord[];
}

/** Tables by what is read from them at once. */
const TOPICS = {
  documents: ['images', 'blobs', 'namespaces'],
  containers: ['containers'],
  snapshots: ['snapshots'],
} as const;

/** What changes together, for those who keep what they have read. */
export type ChangeTopic = keyof typeof TOPICS;

/**
 * Opens the database, brings it up to date, and puts it and the disk into agreement: operation leases of the former run end, and
 * directories that no row knows are removed; blobs and ingests that none names go with the first collection, soon after.
 *
 * A database that is broken is set aside, and what it held is rebuilt as far as it can be read, or found on disk.
 *
 * @throws failed-precondition: of a newer schema or layout.
 */
export function openMetadata(options: MetadataOptions): Promise<Metadata> {
  return Teardown.build(async (down) => {
    const root = await checkLayout(dirname(options.path));
    const { db, rebuilt } = await openOrRebuild(options.path, root, options.log);
    down.own(db);
    const journal = down.own(new SqliteJournal(db, options.retention ?? DEFAULT_RETENTION));
    const rows = new ContentRows(db, journal, options.sharing ?? 'shared');
    const collection = new LateCollection();
    const shared: Shared = { db, journal, collection };
    const content = createContentState(shared, rows, options.blobs);
    const numbers = new LayerNumbers(db);
    const directories = options.backends.map((backend) => new LayerDirectories(backend, db, numbers, options.log));
    const proxied = (options.proxied ?? []).map((each) => new ProxiedLayers(each, db, numbers, options.log));
    const collectable = new SqliteCollectable(
      shared,
      content,
      options.blobs,
      [...directories, ...proxied],
      options.marking ?? MARKED_HERE,
    );
    db.reserve();
    if (rebuilt) await takeInBlobs(db, options.blobs, options.log);
    await reconcile(db, directories, { log: options.log, rebuilt });
    const { log, collectDelayMs, collectIntervalMs } = options;
    const collector = new Collector(collectable, {
      log,
      ...(collectDelayMs === undefined ? {} : { delayMs: collectDelayMs }),
      ...(collectIntervalMs === undefined ? {} : { intervalMs: collectIntervalMs }),
    });
    collection.collector = down.own(collector);
    collector.request();
    journal.trim();
    let told: ((topic: ChangeTopic) => void) | undefined;
    return {
      content: (scope) => new SqliteContent(content, scope),
      images: (scope) => new SqliteImages(shared, scope),
      containers: (scope) => new SqliteContainers(shared, scope),
      sandboxes: (scope) => new SqliteSandboxes(shared, scope),
      sandboxRuns: (scope) => new SqliteSandboxRuns(shared, scope),
      leases: (scope) => new SqliteLeases(shared, scope),
      tasks: (scope) => new SqliteTasks(shared, scope),
      snapshotters: snapshottersOf(shared, directories),
      proxied: proxiedOf(shared, proxied),
      namespaces: new SqliteNamespaces(shared),
      journal,
      taskIndex: new SqliteTaskIndex(shared),
      collector,
      onChange: (notify) => {
        told = notify;
        db.onChange(TOPICS, notify);
      },
      documentsChanged: () => {
        told?.('documents');
      },
      layers: () => unpackedLayers(db),
      disk: new SqliteDiskInventory(db, content, options.blobs, directories),
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

/** For stores without worker threads. */
const MARKED_HERE: Marking = { atOnce: MARKED_AT_ONCE, mark: (task) => Promise.resolve(markOnView(task)) };

function snapshottersOf(
  shared: Shared,
  directories: readonly LayerDirectories[],
): ReadonlyMap<string, Scoped<LayeredSnapshotter>> {
  return new Map(
    directories.map((each) => {
      const state = createSnapshotState(shared, each);
      return [each.backend.name, (scope) => new SqliteSnapshotter(state, scope)];
    }),
  );
}

function proxiedOf(shared: Shared, proxied: readonly ProxiedLayers[]): ReadonlyMap<string, Scoped<Snapshotter>> {
  return new Map(
    proxied.map((layers) => {
      const state = createProxiedState(shared, layers);
      return [layers.backend.name, (scope) => new ProxiedSnapshotter(state, scope)];
    }),
  );
}

async function reconcile(
  db: Database,
  directories: readonly LayerDirectories[],
  { log, rebuilt }: { readonly log: Logger; readonly rebuilt: boolean },
): Promise<void> {
  const { changes: leases } = db.relieve(() => db.sql('DELETE FROM leases WHERE operation = 1').run());
  let strays = 0;
  for (const each of directories) strays += await each.reconcile(rebuilt ? 'set-aside' : 'remove');
  if (leases > 0 || strays > 0) log.info({ leases, layers: strays }, 'cleaned up after the former run');
}

/** The collector needs the stores, and the stores ask the collector: this stands between them. */
class LateCollection implements Collection {
  collector: Collector | undefined;

  request(): void {
    this.collector?.request();
  }

  async run(): Promise<void> {
    if (!this.collector) throw new DaemonError('internal', 'the garbage collector is not there yet');
    await this.collector.run();
  }
}
