import { DaemonError } from '../../base/errors.js';
import type { Image, ImageDraft, OwnImageStore } from '../../core/images/image-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { isDigest, type Digest } from '../../spec/digest.js';
import { updateMap, wrongPath } from '../../spec/field-paths.js';
import { parseListFilters } from '../../spec/filter.js';
import { checkLabels, LABELS } from '../../spec/labels.js';
import { keeping, type Database } from './database.js';
import { imageFields } from './filter-fields.js';
import { ensureNamespace, event, fromJson, joinLease, leaveLease, toJson, type Shared } from './shared.js';

interface ImageRow {
  readonly name: string;
  readonly media_type: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations: string;
  readonly labels: string;
  readonly created_ms: number;
  readonly updated_ms: number;
}

const NAME_LENGTH_MAX = 1024;

/** Images of one namespace. */
export class SqliteImages implements OwnImageStore {
  readonly #shared: Shared;
  readonly #db: Database;
  readonly #scope: Scope;

  constructor(shared: Shared, scope: Scope) {
    this.#shared = shared;
    this.#db = shared.db;
    this.#scope = scope;
  }

  async get(name: string): Promise<Image> {
    return Promise.resolve(this.#needed(name));
  }

  async list(filters?: readonly string[]): Promise<readonly Image[]> {
    const filter = parseListFilters(filters);
    const rows = this.#db
      .sql<ImageRow>('SELECT * FROM images WHERE namespace = ? ORDER BY name')
      .all(this.#scope.namespace);
    return Promise.resolve(rows.map(toImage).filter((image) => filter(imageFields(image))));
  }

  async create(draft: ImageDraft): Promise<Image> {
    checkImage(draft);
    return Promise.resolve(
      this.#db.change(() => {
        ensureNamespace(this.#db, this.#scope.namespace);
        this.#joinLease(draft);
        if (this.#find(draft.name)) {
          throw keeping(new DaemonError('already-exists', `image ${JSON.stringify(draft.name)}: already exists`));
        }
        return this.#write(draft, undefined);
      }),
    );
  }

  async put(draft: ImageDraft): Promise<Image> {
    checkImage(draft);
    return Promise.resolve(this.#db.change(() => this.#put(draft, this.#find(draft.name)))).finally(() => {
      this.#shared.collection.request();
    });
  }

  async putUnlessTaken(drafts: readonly ImageDraft[]): Promise<readonly Image[]> {
    for (const draft of drafts) checkImage(draft);
    return Promise.resolve(
      this.#db.change(() =>
        drafts.map((draft) => {
          const former = this.#find(draft.name);
          if (former && former.target.digest !== draft.target.digest) {
            const { name, target } = former;
            throw new DaemonError('already-exists', `image ${name} is there already, as ${target.digest}`);
          }
          return this.#put(draft, former);
        }),
      ),
    );
  }

  async update(draft: ImageDraft, fieldPaths: readonly string[] = []): Promise<Image> {
    if (draft.name === '') {
      throw new DaemonError('invalid-argument', 'image name is required for update: invalid argument');
    }
    return Promise.resolve(
      this.#db.change(() => {
        const former = this.#needed(draft.name);
        const updated = fieldPaths.reduce(
          (image, path) => applyPath(image, draft, path),
          fieldPaths.length === 0 ? draft : former,
        );
        checkImage(updated);
        this.#joinLease(updated);
        return this.#write(updated, former);
      }),
    ).finally(() => {
      this.#shared.collection.request();
    });
  }

  async delete(name: string, options: { readonly target?: Descriptor; readonly sync?: boolean } = {}): Promise<void> {
    this.#db.relieve(() => {
      const { target } = this.#needed(name);
      if (options.target !== undefined && options.target.digest !== target.digest) {
        throw new DaemonError(
          'not-found',
          `image ${JSON.stringify(name)} has target ${target.digest}, not ${options.target.digest}: not found`,
        );
      }
      leaveLease(this.#db, this.#scope, 'images', name);
      this.#db.sql('DELETE FROM images WHERE namespace = ? AND name = ?').run(this.#scope.namespace, name);
      this.#record('delete', 'ImageDelete', { name });
    });
    if (options.sync === true) await this.#shared.collection.run();
    else this.#shared.collection.request();
  }

  #find(name: string): Image | undefined {
    const row = this.#db
      .sql<ImageRow>('SELECT * FROM images WHERE namespace = ? AND name = ?')
      .get(this.#scope.namespace, name);
    return row && toImage(row);
  }

  #needed(name: string): Image {
    const image = this.#find(name);
    if (!image) throw new DaemonError('not-found', `image ${JSON.stringify(name)}: not found`);
    return image;
  }

  #put(draft: ImageDraft, former: Image | undefined): Image {
    ensureNamespace(this.#db, this.#scope.namespace);
    this.#joinLease(draft);
    return this.#write(draft, former);
  }

  #write(draft: ImageDraft, former: Image | undefined): Image {
    const now = new Date();
    const { name, target } = draft;
    const row: ImageRow = {
      name,
      media_type: target.mediaType,
      digest: target.digest,
      size: target.size,
      annotations: toJson(target.annotations),
      labels: toJson(draft.labels),
      created_ms: (former?.createdAt ?? now).getTime(),
      updated_ms: now.getTime(),
    };
    this.#db
      .sql(
        `INSERT OR REPLACE INTO images
         (namespace, name, media_type, digest, size, annotations, labels, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        this.#scope.namespace,
        row.name,
        row.media_type,
        row.digest,
        row.size,
        row.annotations,
        row.labels,
        row.created_ms,
        row.updated_ms,
      );
    const image = toImage(row);
    if (former) this.#record('update', 'ImageUpdate', { name, labels: image.labels });
    else this.#record('create', 'ImageCreate', { name, labels: image.labels });
    return image;
  }

  /** An image that expires is no root of its own, so the lease has to keep it. */
  #joinLease({ name, labels }: ImageDraft): void {
    if (Object.hasOwn(labels, LABELS.gcExpire)) joinLease(this.#db, this.#scope, 'images', name);
  }

  #record(verb: string, type: string, fields: Readonly<Record<string, unknown>>): void {
    const happened = event(`/images/${verb}`, `containerd.services.images.v1.${type}`, fields);
    this.#shared.journal.record(this.#scope.namespace, happened);
  }
}

function applyPath(image: ImageDraft, given: ImageDraft, path: string): ImageDraft {
  if (path === 'target') return { ...image, target: given.target };
  const labels = updateMap(path, { field: 'labels', current: image.labels, given: given.labels });
  if (labels) return { ...image, labels };
  const annotations = updateMap(path, {
    field: 'annotations',
    current: image.target.annotations,
    given: given.target.annotations,
  });
  if (!annotations) throw wrongPath(path, `image ${JSON.stringify(image.name)}`);
  return { ...image, target: { ...image.target, annotations } };
}

function checkImage({ name, labels, target }: ImageDraft): void {
  if (name === '') throw invalid('image name must not be empty');
  if (name.length > NAME_LENGTH_MAX)
    throw invalid(`image name has ${name.length} characters, at most ${NAME_LENGTH_MAX} may be`);
  checkLabels(labels, 'image.Labels: ');
  if (!isDigest(target.digest)) {
    throw invalid(
      `target.Digest ${JSON.stringify(String(target.digest).slice(0, 160))} invalid: invalid checksum digest format`,
    );
  }
  if (!(target.size > 0)) throw invalid('target.Size must be greater than zero');
  if (target.mediaType === '') throw invalid('target.MediaType must be set');
}

function invalid(what: string): DaemonError {
  return new DaemonError('invalid-argument', `${what}: invalid argument`);
}

function toImage(row: ImageRow): Image {
  const annotations = fromJson(row.annotations);
  return {
    name: row.name,
    target: {
      mediaType: row.media_type,
      digest: row.digest,
      size: row.size,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    labels: fromJson(row.labels),
    createdAt: new Date(row.created_ms),
    updatedAt: new Date(row.updated_ms),
  };
}
