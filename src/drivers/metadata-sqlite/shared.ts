import { DaemonError } from '../../base/errors.js';
import type { Event } from '../../core/events/journal.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { LABELS, type Labels } from '../../spec/labels.js';
import type { Database } from './database.js';
import type { SqliteJournal } from './events.js';

/** Runs the garbage collector: soon, or now and to its end. */
export interface Collection {
  request(): void;
  run(): Promise<void>;
}

/** What all stores of one database share. */
export interface Shared {
  readonly db: Database;
  readonly journal: SqliteJournal;
  readonly collection: Collection;
}

/** An event of our own. */
export function event(topic: string, type: string, fields: Readonly<Record<string, unknown>>): Event {
  return { topic, payload: { type, fields } };
}

/** Lets a namespace come into being with its first object, as part of the running transaction. */
export function ensureNamespace(db: Database, name: string): void {
  const known = db.sql('SELECT 1 FROM namespaces WHERE name = ?').get(name);
  if (known !== undefined) return;
  checkIdentifier(name, 'namespace');
  db.sql(`INSERT INTO namespaces (name, labels) VALUES (?, '{}')`).run(name);
}

/** The scope's lease keeps a resource from now on; nothing without a lease. @throws not-found: no such lease. */
export function joinLease(db: Database, scope: Scope, type: string, resource: string): boolean {
  if (scope.lease === undefined) return false;
  checkLease(db, scope.namespace, scope.lease);
  db.sql('INSERT OR IGNORE INTO lease_resources (namespace, lease, type, resource) VALUES (?, ?, ?, ?)').run(
    scope.namespace,
    scope.lease,
    type,
    resource,
  );
  return true;
}

/**
 * Whether a lease is for an operation only: it expires. It waits for no flush: a power cut ends the operation, what is named under it is
 * durable together with it, at its end at the latest, and one whose deletion is lost expires.
 */
export function isPassing(labels: Labels): boolean {
  return labels[LABELS.gcExpire] !== undefined;
}

/** Whether the scope has a lease, and that is for an operation only. */
export function isUnderPassingLease(db: Database, { namespace, lease }: Scope): boolean {
  if (lease === undefined) return false;
  const row = db
    .sql<{ labels: string }>('SELECT labels FROM leases WHERE namespace = ? AND id = ?')
    .get(namespace, lease);
  return row !== undefined && isPassing(fromJson(row.labels));
}

/** The scope's lease keeps a resource no longer. */
export function leaveLease(db: Database, scope: Scope, type: string, resource: string): void {
  if (scope.lease === undefined) return;
  db.sql('DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND resource = ?').run(
    scope.namespace,
    scope.lease,
    type,
    resource,
  );
}

/** @throws not-found: no such lease. */
export function checkLease(db: Database, namespace: string, id: string): void {
  const known = db.sql('SELECT 1 FROM leases WHERE namespace = ? AND id = ?').get(namespace, id);
  if (known === undefined) throw new DaemonError('not-found', 'lease does not exist: not found');
}

/** Labels as they are stored: JSON, without those that have no value. */
export function toJson(labels: Labels | undefined): string {
  const kept = Object.entries(labels ?? {}).filter(([, value]) => value !== '');
  return JSON.stringify(Object.fromEntries(kept));
}

export function fromJson(text: string): Labels {
  return JSON.parse(text) as Labels;
}
