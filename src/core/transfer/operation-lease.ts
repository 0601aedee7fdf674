import { randomUUID } from 'node:crypto';
import { isKind } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';

/**
 * Keeps what an operation makes from collection until everyone who works under it is done: the operation itself, and work that it
 * started and others have joined. A lease that the client brought is used instead, and is the client's to end.
 */
export class OperationLease {
  /** With the lease in it. */
  readonly scope: Scope;
  readonly #id: string;
  readonly #store: LeaseStore;
  readonly #ours: boolean;
  #holders = 1;

  private constructor(scope: Scope, id: string, store: LeaseStore, ours: boolean) {
    this.scope = { ...scope, lease: id };
    this.#id = id;
    this.#store = store;
    this.#ours = ours;
  }

  static async open(leases: Scoped<LeaseStore>, scope: Scope): Promise<OperationLease> {
    const store = leases(scope);
    if (scope.lease !== undefined) return new OperationLease(scope, scope.lease, store, false);
    const { id } = await store.create({ id: `wharfd-operation-${randomUUID()}`, labels: {} }, true);
    return new OperationLease(scope, id, store, true);
  }

  /** Keeps content that is there already. @throws not-found: the client's lease does not exist. */
  async keep(digest: Digest): Promise<void> {
    await this.#store.addResource(this.#id, { type: 'content', id: digest });
  }

  /** One more who works under it; each holder calls `release` once. */
  hold(): this {
    this.#holders += 1;
    return this;
  }

  async release(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders > 0 || !this.#ours) return;
    try {
      await this.#store.delete(this.#id);
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }
}
