import { DaemonError } from '../../base/errors.js';
import type { Pusher } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { digestOf, finishDigest, hasherOf, type Digest } from '../../spec/digest.js';
import { openJson } from '../../spec/document.js';
import { Fields } from '../../spec/fields.js';
import { canonicalName } from '../../spec/familiar-name.js';
import { NAME_ANNOTATIONS } from '../../spec/image-names.js';
import { parseIndex } from '../../spec/index-document.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import type { PlaceName } from '../../spec/place-name.js';
import { parseStrictJson, type Json } from '../../spec/strict-json.js';
import { openRegular, partOf, readAll, type ImageFiles, type ObjectFile } from './image-files.js';
import { blobPath, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION } from './oci-layout.js';
import type { PlaceDriver } from './place-resolver.js';
import { indexTar, type TarIndex, type TarPart } from './tar-index.js';

const DOCKER_MANIFEST = 'manifest.json';
const IMAGES_MAX = 1024;

/** Archives are read where they are; writing one is another command's work. */
abstract class Archives implements PlaceDriver {
  abstract read(path: string, signal?: AbortSignal): Promise<ImageFiles>;

  pusher({ path }: PlaceName): Promise<Pusher> {
    const advice = `use "dist save -o ${path}", or push to oci:/path:tag`;
    return Promise.reject(new DaemonError('failed-precondition', `nothing can be pushed into an archive: ${advice}`));
  }
}

/** Tar archives of an OCI layout. */
export class OciArchives extends Archives {
  async read(path: string, signal?: AbortSignal): Promise<ImageFiles> {
    const archive = await OpenedArchive.open(path, signal);
    const version = openJson(await archive.document(LAYOUT_FILE), `${path}: ${LAYOUT_FILE}`).text('imageLayoutVersion');
    if (version !== LAYOUT_VERSION) {
      throw new DaemonError('invalid-argument', `${path} is an OCI layout of another version than ${LAYOUT_VERSION}`);
    }
    const what = `${path}: ${INDEX_FILE}`;
    const { manifests } = parseIndex(await archive.document(INDEX_FILE), MEDIA_TYPES.ociIndex, what);
    return { manifests, open: (digest) => archive.file(blobPath(digest)) };
  }
}

/** What `docker save` wrote (Docker image-spec v1.2): manifests are made here for its configs and layers. */
export class DockerArchives extends Archives {
  async read(path: string, signal?: AbortSignal): Promise<ImageFiles> {
    const archive = await OpenedArchive.open(path, signal);
    const list = parseStrictJson(await archive.document(DOCKER_MANIFEST), `${path}: ${DOCKER_MANIFEST}`);
    if (!Array.isArray(list) || list.length > IMAGES_MAX) {
      throw new DaemonError(
        'invalid-argument',
        `${path}: ${DOCKER_MANIFEST} is no list of at most ${IMAGES_MAX} images`,
      );
    }
    const images = new DockerImages(archive);
    const manifests: Descriptor[] = [];
    for (const [at, item] of (list as readonly Json[]).entries()) {
      const fields = new Fields(item, `${path}: ${DOCKER_MANIFEST}[${at}]`);
      const target = await images.describe(fields.text('Config'), fields.texts('Layers'), signal);
      for (const tag of fields.texts('RepoTags')) manifests.push({ ...target, annotations: annotationsOf(tag) });
      if (fields.texts('RepoTags').length === 0) manifests.push(target);
    }
    return { manifests, open: (digest) => images.open(digest) };
  }
}

/** By the name as it is written there, and by the whole one. */
function annotationsOf(tag: string): Readonly<Record<string, string>> {
  return { [NAME_ANNOTATIONS.reference]: tag, [NAME_ANNOTATIONS.image]: canonicalName(tag) };
}

/** An archive whose members are known; it is opened anew for each of them, so that it may be read at several places at once. */
class OpenedArchive {
  readonly #path: string;
  readonly #index: TarIndex;

  private constructor(path: string, index: TarIndex) {
    this.#path = path;
    this.#index = index;
  }

  static async open(path: string, signal?: AbortSignal): Promise<OpenedArchive> {
    const file = await openRegular(path, true);
    try {
      return new OpenedArchive(path, await indexTar(file, path, signal));
    } finally {
      await file.close();
    }
  }

  async document(name: string): Promise<Buffer> {
    await using file = await this.file(name);
    return await readAll(file, `${this.#path}: ${name}`);
  }

  /** @throws not-found: no such member. */
  async file(name: string): Promise<ObjectFile> {
    const what = `${this.#path}: ${name}`;
    const part = this.#index.find(name);
    if (!part) throw new DaemonError('not-found', `${what} is not in the archive`);
    return await this.part(part, what);
  }

  async part({ start, size }: TarPart, what: string): Promise<ObjectFile> {
    return partOf(await openRegular(this.#path, true), start, size, what);
  }
}

class DockerImages {
  readonly #archive: OpenedArchive;
  /** Names in the archive by digest, and documents that were made here. */
  readonly #names = new Map<Digest, string>();
  readonly #made = new Map<Digest, Buffer>();
  readonly #described = new Map<string, Omit<Descriptor, 'mediaType'> & { readonly head: Buffer }>();

  constructor(archive: OpenedArchive) {
    this.#archive = archive;
  }

  async describe(config: string, layers: readonly string[], signal?: AbortSignal): Promise<Descriptor> {
    const described = { mediaType: MEDIA_TYPES.dockerConfig, ...plain(await this.#look(config, signal)) };
    const found: Descriptor[] = [];
    for (const layer of layers) {
      const looked = await this.#look(layer, signal);
      found.push({ mediaType: layerType(looked.head), ...plain(looked) });
    }
    const mediaType = MEDIA_TYPES.dockerManifest;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: described, layers: found }));
    const digest = digestOf(bytes);
    this.#made.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  async open(digest: Digest): Promise<ObjectFile> {
    const made = this.#made.get(digest);
    if (made) {
      return {
        size: made.length,
        // eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
        async *chunks(from) {
          yield made.subarray(from);
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    }
    const name = this.#names.get(digest);
    if (name === undefined) throw new DaemonError('not-found', `content ${digest}: not found in the archive`);
    return await this.#archive.file(name);
  }

  /** Digest and size of a member, and how it begins. */
  async #look(name: string, signal?: AbortSignal) {
    const known = this.#described.get(name);
    if (known) return known;
    await using file = await this.#archive.file(name);
    const hash = hasherOf('sha256');
    let head = Buffer.alloc(0);
    for await (const bytes of file.chunks(0, signal)) {
      if (head.length < 4) head = Buffer.concat([head, bytes.subarray(0, 4)]);
      hash.update(bytes);
    }
    const looked = { digest: finishDigest('sha256', hash), size: file.size, head };
    this.#names.set(looked.digest, name);
    this.#described.set(name, looked);
    return looked;
  }
}

const plain = ({ digest, size }: Omit<Descriptor, 'mediaType'>) => ({ digest, size });

function layerType(head: Buffer): string {
  if (head[0] === 0x1f && head[1] === 0x8b) return MEDIA_TYPES.dockerLayerGzip;
  if (head.length >= 4 && head.readUInt32LE() === 0xfd2fb528) return MEDIA_TYPES.dockerLayerZstd;
  return MEDIA_TYPES.dockerLayer;
}
