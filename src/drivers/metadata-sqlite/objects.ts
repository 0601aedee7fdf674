import type { GcObject, StoredObject } from '../../core/gc/graph.js';
import type { Labels } from '../../spec/labels.js';
import type { Database } from './database.js';
import { fromJson } from './shared.js';

interface ObjectRow {
  readonly namespace: string;
  readonly key: string;
  readonly labels: string;
  /** What the kind's links are made of. */
  readonly first: string | null;
  readonly second: string | null;
  readonly layer?: number;
  readonly image?: string;
}

const OBJECTS = {
  image: 'SELECT namespace, name AS key, labels, digest AS first, NULL AS second FROM images',
  container: 'SELECT namespace, id AS key, labels, snapshotter AS first, snapshot_key AS second, image FROM containers',
  lease: `SELECT namespace, id AS key, labels, NULL AS second, (SELECT json_group_array(json_array(type, resource))
    FROM lease_resources WHERE lease_resources.namespace = leases.namespace AND lease = leases.id) AS first FROM leases`,
  content: 'SELECT namespace, digest AS key, labels, NULL AS first, NULL AS second FROM blobs',
  snapshot: `SELECT namespace, snapshotter || '/' || name AS key, labels, snapshotter AS first, parent AS second, layer
    FROM snapshots`,
} as const;

interface IngestObjectRow {
  readonly namespace: string;
  readonly ref: string;
  readonly file: string;
  readonly expected: string;
  readonly shared: 0 | 1;
  readonly expires_ms: number | null;
}

/**
 * Everything that the collector knows, of all namespaces.
 *
 * @param writers Open ones, by namespace and ref: what they write is held.
 */
export function* readObjects(db: Database, writers: ReadonlyMap<string, unknown>): Generator<StoredObject> {
  for (const kind of Object.keys(OBJECTS) as (keyof typeof OBJECTS)[]) {
    for (const row of db.sql<ObjectRow>(OBJECTS[kind]).iterate()) {
      const { namespace, key, labels, layer, image } = row;
      yield {
        kind,
        namespace,
        key,
        labels: gcLabels(labels),
        links: linksOf(kind, row),
        ...(layer === undefined ? {} : { layer }),
        ...(image === undefined ? {} : { image }),
      };
    }
  }
  const ingests = db.sql<IngestObjectRow>('SELECT namespace, ref, file, expected, shared, expires_ms FROM ingests');
  for (const { namespace, ref, file, expected, shared, expires_ms } of ingests.iterate()) {
    yield {
      kind: 'ingest',
      namespace,
      key: ref,
      labels: {},
      links: shared === 1 ? [{ kind: 'content', key: expected }] : [],
      held: writers.has(`${namespace}\0${ref}`) || (expires_ms !== null && expires_ms > Date.now()),
      ...(shared === 1 ? { shares: expected } : { file }),
    };
  }
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

const NO_LABELS: Labels = {};

/** Most blobs have none of the collector's labels, and need no parsing. */
function gcLabels(json: string): Labels {
  return json.includes('"containerd.io/gc.') ? fromJson(json) : NO_LABELS;
}
