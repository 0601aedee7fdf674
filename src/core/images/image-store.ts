import type { Descriptor } from '../../spec/descriptor.js';
import type { Labels } from '../../spec/labels.js';

export interface Image {
  /** Opaque to the core, 1 to 1024 characters. */
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An image as its maker gives it. */
export type ImageDraft = Pick<Image, 'name' | 'target' | 'labels'>;

/** Names for descriptors. A name is set only when everything below it is durable. */
export interface ImageStore {
  /** @throws not-found. */
  get(name: string): Promise<Image>;
  /** One consistent view, ordered by name. */
  list(filters?: readonly string[]): Promise<readonly Image[]>;
  /** @throws already-exists. invalid-argument. */
  create(image: ImageDraft): Promise<Image>;
  /**
   * Changes the fields named by `fieldPaths` (`labels`, `labels.<key>`, `target`, `annotations…`); all of them without paths.
   *
   * @throws not-found. invalid-argument.
   */
  update(image: ImageDraft, fieldPaths?: readonly string[]): Promise<Image>;
  /** Makes or replaces, as a pull does; one event tells which. */
  put(image: ImageDraft): Promise<Image>;
  /** @param options.target Refuses when the name points elsewhere by now. @throws not-found. */
  delete(name: string, options?: { readonly target?: Descriptor; readonly sync?: boolean }): Promise<void>;
}

/** The names of the daemon's own store, which can be changed many at once. */
export interface OwnImageStore extends ImageStore {
  /** As `put`, all or none. @throws already-exists: a name stands for another target. */
  putUnlessTaken(images: readonly ImageDraft[]): Promise<readonly Image[]>;
}
