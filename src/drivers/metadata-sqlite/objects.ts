import type { GcObject, StoredObject } from '../../core/gc/graph.js';
import type { OwnerId } from '../../core/gc/owners.js';
import type { Labels } from '../../spec/labels.js';
import type { Statements } from './database.js';
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

const INGESTS = 'SELECT namespace, ref, file, expected, shared, expires_ms FROM ingests';

/** Ingests that are being written, by namespace and ref: they are held. */
export interface Writers {
  has(key: string): boolean;
}

/** Everything that the collector knows, of all namespaces. */
export function* readObjects(db: Statements, writers: Writers): Generator<StoredObject> {
  for (const kind of Object.keys(OBJECTS) as (keyof typeof OBJECTS)[]) {
    for (const row of db.sql<ObjectRow>(OBJECTS[kind]).iterate()) yield toObject(kind, row);
  }
  for (const row of db.sql<IngestObjectRow>(INGESTS).iterate()) yield toIngest(row, writers);
}

const BY_KEY: Readonly<Record<keyof typeof OBJECTS, string>> = {
  image: `${OBJECTS.image} WHERE namespace = ? AND name = ?`,
  container: `${OBJECTS.container} WHERE namespace = ? AND id = ?`,
  lease: `${OBJECTS.lease} WHERE namespace = ? AND id = ?`,
  content: `${OBJECTS.content} WHERE namespace = ? AND digest = ?`,
  snapshot: `${OBJECTS.snapshot} WHERE namespace = ? AND snapshotter = ? AND name = ?`,
};

/** One of them as it is now; undefined where it is not there. */
export function readObject(db: Statements, id: OwnerId, writers: Writers): StoredObject | undefined {
  const [kind = '', namespace = '', key = ''] = id.split('\0');
  if (kind === 'ingest') {
    const row = db.sql<IngestObjectRow>(`${INGESTS} WHERE namespace = ? AND ref = ?`).get(namespace, key);
    return row && toIngest(row, writers);
  }
  const known = kind as keyof typeof OBJECTS;
  const at = key.indexOf('/');
  const keys = kind === 'snapshot' ? [key.slice(0, at), key.slice(at + 1)] : [key];
  const row = db.sql<ObjectRow>(BY_KEY[known]).get(namespace, ...keys);
  return row && toObject(known, row);
}

function toObject(kind: keyof typeof OBJECTS, row: ObjectRow): StoredObject {
  const { namespace, key, labels, layer, image } = row;
  return {
    kind,
    namespace,
    key,
    labels: gcLabels(labels),
    links: linksOf(kind, row),
    ...(layer === undefined ? {} : { layer }),
    ...(image === undefined ? {} : { image }),
  };
}

function toIngest(row: IngestObjectRow, writers: Writers): StoredObject {
  const { namespace, ref, file, expected, shared, expires_ms } = row;
  return {
    kind: 'ingest',
    namespace,
    key: ref,
    labels: {},
    links: shared === 1 ? [{ kind: 'content', key: expected }] : [],
    held: writers.has(`${namespace}\0${ref}`) || (expires_ms !== null && expires_ms > Date.now()),
    ...(shared === 1 ? { shares: expected } : { file }),
  };
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
