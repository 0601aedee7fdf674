import { randomUUID } from 'node:crypto';
import { isKind } from '../../base/errors.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';

/**
 * Keeps what an operation makes from collection until everyone who works under it is done: the operation itself, and work that it
 * started and others have joined. A lease that the client brought is used instead, and is the client's to end.
 */
export class OperationLease {
  readonly scope: Scope;
  readonly #end: () => Promise<void>;
  #holders = 1;

  private constructor(scope: Scope, end: () => Promise<void>) {
    this.scope = scope;
    this.#end = end;
  }

  static async open(leases: Scoped<LeaseStore>, scope: Scope): Promise<OperationLease> {
    if (scope.lease !== undefined) return new OperationLease(scope, () => Promise.resolve());
    const store = leases(scope);
    const { id } = await store.create({ id: `wharfd-operation-${randomUUID()}`, labels: {} }, true);
    return new OperationLease({ ...scope, lease: id }, async () => {
      try {
        await store.delete(id);
      } catch (error) {
        if (!isKind(error, 'not-found')) throw error;
      }
    });
  }

  /** One more who works under it; each holder calls `release` once. */
  hold(): this {
    this.#holders += 1;
    return this;
  }

  async release(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders === 0) await this.#end();
  }
}
