import type { Image, ImageDraft, ImageStore } from '../core/images/image-store.js';
import { isKind } from '../base/errors.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { Channel } from '../rpc/channel.js';
import type { Incoming, Outgoing, ServiceClient } from '../rpc/handlers.js';
import { dateOfTimestamp } from '../rpc/time.js';
import type { Descriptor } from '../spec/descriptor.js';
import { answered, fromWireDescriptor, toWireDescriptor } from './conversions.js';

type Client = ServiceClient<'containerd.services.images.v1.Images'>;

/** The image names of a daemon, over its socket. */
export function remoteImages(channel: Channel): Scoped<ImageStore> {
  const client = channel.service('containerd.services.images.v1.Images');
  return (scope) => new RemoteImages(client, scope);
}

class RemoteImages implements ImageStore {
  readonly #client: Client;
  readonly #scope: Scope;

  constructor(client: Client, scope: Scope) {
    this.#client = client;
    this.#scope = scope;
  }

  async get(name: string): Promise<Image> {
    return fromWireImage((await this.#client.get({ name }, this.#scope)).image);
  }

  async list(filters: readonly string[] = []): Promise<readonly Image[]> {
    return (await this.#client.list({ filters: [...filters] }, this.#scope)).images.map(fromWireImage);
  }

  async create(image: ImageDraft): Promise<Image> {
    return fromWireImage((await this.#client.create({ image: toWireImage(image) }, this.#scope)).image);
  }

  async update(image: ImageDraft, fieldPaths: readonly string[] = []): Promise<Image> {
    const request = { image: toWireImage(image), update_mask: { paths: [...fieldPaths] } };
    return fromWireImage((await this.#client.update(request, this.#scope)).image);
  }

  /** The API has no such call: an update, and where there is nothing to update a creation, until one of them holds. */
  async put(image: ImageDraft): Promise<Image> {
    for (;;) {
      const updated = await unless('not-found', this.update(image));
      const put = updated ?? (await unless('already-exists', this.create(image)));
      if (put) return put;
    }
  }

  async delete(
    name: string,
    { target, sync = false }: { readonly target?: Descriptor; readonly sync?: boolean } = {},
  ): Promise<void> {
    await this.#client.delete({ name, sync, ...(target && { target: toWireDescriptor(target) }) }, this.#scope);
  }
}

async function unless<T>(kind: 'not-found' | 'already-exists', work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, kind)) return undefined;
    throw error;
  }
}

function toWireImage({ name, labels, target }: ImageDraft): Outgoing<'containerd.services.images.v1.Image'> {
  return { name, labels: { ...labels }, target: toWireDescriptor(target) };
}

function fromWireImage(image: Incoming<'containerd.services.images.v1.Image'> | null): Image {
  const { name, labels, target, created_at, updated_at } = answered(image, 'image');
  return {
    name,
    labels,
    target: fromWireDescriptor(target),
    createdAt: answered(dateOfTimestamp(created_at), 'time'),
    updatedAt: answered(dateOfTimestamp(updated_at), 'time'),
  };
}
