import { DaemonError } from '../base/errors.js';
import type { Image, ImageDraft, ImageStore } from '../core/images/image-store.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate } from '../rpc/time.js';
import { fromWireDescriptor, toWireDescriptor } from './descriptors.js';

/** containerd.services.images.v1.Images: names for descriptors. */
export function createImagesService(
  images: Scoped<ImageStore>,
): ServiceImplementation<'containerd.services.images.v1.Images'> {
  return {
    async get({ name }, { scope }) {
      return { image: toWireImage(await images(scope).get(name)) };
    },
    async list({ filters }, { scope }) {
      return { images: (await images(scope).list(filters)).map(toWireImage) };
    },
    async create({ image }, { scope }) {
      return { image: toWireImage(await images(scope).create(fromWireImage(image))) };
    },
    async update({ image, update_mask }, { scope }) {
      const paths = update_mask?.paths ?? [];
      if (paths.length === 0 || image?.target?.digest) {
        return { image: toWireImage(await images(scope).update(fromWireImage(image), paths)) };
      }
      // A change of labels alone comes without a target, and must not lose the one there is.
      const { target } = await images(scope).get(named(image).name);
      const draft = { ...named(image), target };
      return { image: toWireImage(await images(scope).update(draft, paths)) };
    },
    async delete({ name, sync, target }, { scope }) {
      await images(scope).delete(name, {
        sync,
        ...(target?.digest && { target: fromWireDescriptor(target, 'target') }),
      });
    },
  };
}

type WireImage = Incoming<'containerd.services.images.v1.Image'>;

function named(image: WireImage | null): WireImage {
  if (image && image.name !== '') return image;
  throw new DaemonError('invalid-argument', 'Image.Name required');
}

function fromWireImage(image: WireImage | null): ImageDraft {
  const { name, labels, target } = named(image);
  return { name, labels, target: fromWireDescriptor(target, 'target') };
}

function toWireImage(image: Image): Outgoing<'containerd.services.images.v1.Image'> {
  return {
    name: image.name,
    labels: image.labels,
    target: toWireDescriptor(image.target),
    created_at: timestampOfDate(image.createdAt),
    updated_at: timestampOfDate(image.updatedAt),
  };
}
