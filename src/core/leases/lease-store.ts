import type { Labels } from '../../spec/labels.js';

export interface Lease {
  readonly id: string;
  readonly createdAt: Date;
  readonly labels: Labels;
}

/** What a lease keeps: type is `content`, `ingests`, `images` or `snapshots/<snapshotter>`. */
export interface LeaseResource {
  readonly type: string;
  readonly id: string;
}

export interface LeaseStore {
  /** @param operation True for a lease of ours, which a restart of the daemon ends. @throws already-exists. */
  create(lease: { readonly id: string; readonly labels: Labels }, operation?: boolean): Promise<Lease>;
  /** @throws not-found "lease does not exist". */
  delete(id: string, options?: { readonly sync?: boolean }): Promise<void>;
  list(filters?: readonly string[]): Promise<readonly Lease[]>;
  addResource(id: string, resource: LeaseResource): Promise<void>;
  deleteResource(id: string, resource: LeaseResource): Promise<void>;
  resources(id: string): Promise<readonly LeaseResource[]>;
}
