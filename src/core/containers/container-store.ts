import type { Labels } from '../../spec/labels.js';
import type { OpaqueAny } from '../events/journal.js';

/** The stored description of a container. References to image and snapshot are plain text and need not exist. */
export interface Container {
  readonly id: string;
  readonly labels: Labels;
  /** Image name; empty for none. */
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: OpaqueAny };
  /** OCI runtime spec, kept byte for byte. */
  readonly spec?: OpaqueAny;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, OpaqueAny>>;
  readonly sandbox: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type ContainerDraft = Omit<Container, 'createdAt' | 'updatedAt'>;

/** A store whose containers can get another id; no call of containerd's does that. */
export interface RenamingContainerStore extends ContainerStore {
  /** Puts `draft` in the place of container `id`, in one step. @throws not-found. already-exists: the draft's id. invalid-argument. */
  rename(id: string, draft: ContainerDraft): Promise<Container>;
}

export interface ContainerStore {
  /** @throws not-found. */
  get(id: string): Promise<Container>;
  /** One consistent view, ordered by id. */
  list(filters?: readonly string[]): Promise<readonly Container[]>;
  /** @throws already-exists. invalid-argument. */
  create(container: ContainerDraft): Promise<Container>;
  /** As containerd: without paths, labels, spec, extensions, image, snapshot key change; runtime name and snapshotter never do. */
  update(container: ContainerDraft, fieldPaths?: readonly string[]): Promise<Container>;
  /** @throws not-found. */
  delete(id: string): Promise<void>;
}
