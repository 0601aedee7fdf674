import type { ContainerStore } from '../core/containers/container-store.js';
import type { ContentStore } from '../core/content/content-store.js';
import { summarizeImage, type ImageSummary } from '../core/images/image-summary.js';
import type { ImageStore } from '../core/images/image-store.js';
import { removeImage } from '../core/images/remove-image.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { Snapshotter } from '../core/snapshots/snapshotter.js';
import type { Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger } from '../rpc/int64.js';
import { timestampOfDate } from '../rpc/time.js';
import { toWireDescriptor, toWirePlatform } from './descriptors.js';

const PAGE = 100;

/** The ports that it asks. */
export interface ImagesServicePorts {
  readonly images: Scoped<ImageStore>;
  readonly content: Scoped<ContentStore>;
  readonly containers: Scoped<ContainerStore>;
  /** @param name Empty for the default. */
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
}

/** wharfd.services.images.v1.ImagesService: images with sizes, and removal that looks at containers. */
export function createWharfdImagesService(
  ports: ImagesServicePorts,
): ServiceImplementation<'wharfd.services.images.v1.ImagesService'> {
  return {
    async *list({ filters, snapshotter }, { scope, signal }) {
      const content = ports.content(scope);
      const snapshots = ports.snapshots(scope, snapshotter);
      let page: Outgoing<'wharfd.services.images.v1.ImageSummary'>[] = [];
      for (const image of await ports.images(scope).list(filters)) {
        page.push(toWireSummary(await summarizeImage(image, content, snapshots, signal)));
        if (page.length < PAGE) continue;
        yield { images: page };
        page = [];
      }
      if (page.length > 0) yield { images: page };
    },
    async remove({ name, force, sync }, { scope }) {
      await removeImage(ports.images(scope), ports.containers(scope), name, { force, sync });
      return {};
    },
  };
}

function toWireSummary(summary: ImageSummary): Outgoing<'wharfd.services.images.v1.ImageSummary'> {
  const { image, packedSize, unpackedSize, platforms, sizeError } = summary;
  return {
    name: image.name,
    target: toWireDescriptor(image.target),
    packed_size: fromInteger(packedSize),
    unpacked_size: fromInteger(unpackedSize),
    platforms: platforms.map(toWirePlatform),
    labels: image.labels,
    created_at: timestampOfDate(image.createdAt),
    size_error: sizeError ?? '',
  };
}
