import type { Labels } from '../../spec/labels.js';

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

/** The tenants. A namespace comes into being with its first object, or by `create`. */
export interface NamespaceStore {
  /** One that isn't there (yet) is answered without labels: clients ask for its defaults before they make anything in it. */
  get(name: string): Promise<Namespace>;
  list(): Promise<readonly Namespace[]>;
  /** @throws already-exists. invalid-argument: a name or label of the wrong form. */
  create(namespace: Namespace): Promise<Namespace>;
  /** Sets the labels named by `fieldPaths` (`labels`, `labels.<key>`); without paths, all of them. One that isn't there is made. */
  update(namespace: Namespace, fieldPaths?: readonly string[]): Promise<Namespace>;
  /** @throws not-found. failed-precondition: not empty; the message lists what is in it. */
  delete(name: string): Promise<void>;
}
