import { randomUUID } from 'node:crypto';
import { DaemonError, isKind } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';
import { LABELS } from '../../spec/labels.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';

/** How long what an interrupted operation has fetched waits for the next try; an operation takes no longer either. */
const KEEP_MS = 12 * 3600 * 1000;

/** Says on a lease of ours what it was made for. */
const PURPOSE = LABELS.operation;

/** Leases of operations that run, which nobody tidies up. */
const RUNNING = new Set<string>();

/** Whether an operation came to its end, was interrupted so that the next one can go on from there, or is to leave nothing. */
export type Outcome = 'done' | 'interrupted' | 'failed';

/**
 * Keeps what an operation makes from collection until everyone who works under it is done: the operation itself, and work that it
 * started and others have joined. An interrupted operation, a crash included, leaves it behind for some hours, since it keeps what need
 * not be fetched again; the next one of the same purpose that gets to its end removes it. A lease that the client brought is used
 * instead, and is the client's to end.
 */
export class OperationLease {
  /** With the lease in it. */
  readonly scope: Scope;
  readonly #id: string;
  readonly #store: LeaseStore;
  /** Absent for a lease of the client. */
  readonly #ours: { readonly purpose: string; readonly expiresAt: Date } | undefined;
  #holders = 1;
  #outcome: Outcome = 'failed';

  private constructor(scope: Scope, id: string, store: LeaseStore, ours?: { purpose: string; expiresAt: Date }) {
    this.scope = { ...scope, lease: id, partOfOperation: true };
    this.#id = id;
    this.#store = store;
    this.#ours = ours;
  }

  /** @param purpose Names what the operation is for, such as `pull <reference>`. */
  static async open(leases: Scoped<LeaseStore>, scope: Scope, purpose: string): Promise<OperationLease> {
    const store = leases(scope);
    if (scope.lease !== undefined) return new OperationLease(scope, scope.lease, store);
    const id = `wharfd-operation-${randomUUID()}`;
    const expiresAt = new Date(Date.now() + KEEP_MS);
    RUNNING.add(id);
    try {
      await store.create({ id, labels: { [LABELS.gcExpire]: expiresAt.toISOString(), [PURPOSE]: purpose } });
    } catch (error) {
      RUNNING.delete(id);
      throw error;
    }
    return new OperationLease(scope, id, store, { purpose, expiresAt });
  }

  /** Keeps content that is there already. @throws not-found: the client's lease does not exist. */
  async keep(digest: Digest): Promise<void> {
    await this.#store.addResource(this.#id, { type: 'content', id: digest });
  }

  /** @throws aborted: the operation took so long that what it has made may be collected already. */
  check(): void {
    if (this.#ours === undefined || Date.now() < this.#ours.expiresAt.getTime()) return;
    throw new DaemonError('aborted', `${this.#ours.purpose}: took more than ${KEEP_MS / 3_600_000} hours; try again`);
  }

  /** One more who works under it; each holder calls `release` or `end` once. */
  hold(): this {
    this.#holders += 1;
    return this;
  }

  /** The operation's own end. */
  async end(outcome: Outcome): Promise<void> {
    this.#outcome = outcome;
    await this.release();
  }

  async release(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders > 0 || this.#ours === undefined) return;
    RUNNING.delete(this.#id);
    if (this.#outcome === 'interrupted' && (await this.#store.resources(this.#id)).length > 0) return;
    await this.#delete(this.#id);
    if (this.#outcome === 'done') await this.#tidyUp(this.#ours.purpose);
  }

  /** What earlier tries of the same have left is of no use any longer. */
  async #tidyUp(purpose: string): Promise<void> {
    for (const { id, labels } of await this.#store.list([`labels."${PURPOSE}"`])) {
      if (labels[PURPOSE] === purpose && !RUNNING.has(id)) await this.#delete(id);
    }
  }

  async #delete(id: string): Promise<void> {
    try {
      await this.#store.delete(id);
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }
}
