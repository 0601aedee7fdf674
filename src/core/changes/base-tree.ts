import { randomBytes } from 'node:crypto';
import { DaemonError, isKind } from '../../base/errors.js';
import { chainIdOf } from '../../spec/chain-id.js';
import type { Platform } from '../../spec/platform.js';
import type { Container, ContainerStore } from '../containers/container-store.js';
import type { ContentStore } from '../content/content-store.js';
import { readImage, type StoredImage } from '../images/handlers/image-manifest.js';
import type { ImageStore } from '../images/image-store.js';
import type { Mount } from '../kernel/mounts.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';

/** Where containers and their images are found. */
export interface BasePorts {
  readonly containers: Scoped<ContainerStore>;
  readonly images: Scoped<ImageStore>;
  readonly content: Scoped<ContentStore>;
  readonly leases: Scoped<LeaseStore>;
  /** @param name Empty for the default. @throws not-found: no such snapshotter. */
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
  readonly platform: Platform;
}

/** A container's file system, and that of the image that it was made of. */
export interface ContainerTrees {
  readonly container: Container;
  /** Undefined for a container without an image: all of its file system is its own. */
  readonly image: StoredImage | undefined;
  readonly left: readonly Mount[];
  readonly right: readonly Mount[];
  /** With a lease that keeps what is made until the end of the work. */
  readonly scope: Scope;
}

/**
 * Runs `work` on both file systems, described as mounts.
 *
 * @throws not-found: the container, its snapshot or its image. failed-precondition: the image's name stands for another one by now.
 */
export async function withTrees<T>(
  ports: BasePorts,
  scope: Scope,
  id: string,
  work: (trees: ContainerTrees) => Promise<T>,
): Promise<T> {
  const container = await ports.containers(scope).get(id);
  const snapshots = ports.snapshots(scope, container.snapshotter);
  const right = await snapshots.mounts(container.snapshotKey);
  const image = await imageOf(ports, scope, container);
  const chain = image ? (chainIdOf(image.config.diffIds) ?? '') : '';
  await checkAncestry(snapshots, container, chain);
  const leases = ports.leases(scope);
  const name = `wharfd-changes-${randomBytes(8).toString('hex')}`;
  await leases.create({ id: name, labels: {} }, true);
  try {
    const leased = { ...scope, lease: name };
    const left = chain === '' ? [] : await ports.snapshots(leased, container.snapshotter).view(name, chain);
    try {
      return await work({ container, image, left, right, scope: leased });
    } finally {
      if (chain !== '') await snapshots.remove(name);
    }
  } finally {
    await leases.delete(name);
  }
}

async function imageOf(ports: BasePorts, scope: Scope, container: Container): Promise<StoredImage | undefined> {
  if (container.image === '') return undefined;
  try {
    const { target } = await ports.images(scope).get(container.image);
    return await readImage(ports.content(scope), target, ports.platform);
  } catch (cause) {
    if (!isKind(cause, 'not-found')) throw cause;
    throw new DaemonError(
      'not-found',
      `image ${container.image} of container ${container.id} is not here whole any more: pull it again`,
      { cause },
    );
  }
}

/** The image's layers must be among those that the container stands on. */
async function checkAncestry(snapshots: Snapshotter, container: Container, chain: string): Promise<void> {
  let { parent } = await snapshots.stat(container.snapshotKey);
  while (parent !== chain && parent !== '') parent = (await snapshots.stat(parent)).parent;
  if (parent === chain) return;
  throw new DaemonError(
    'failed-precondition',
    `image ${container.image} is another one than when container ${container.id} was made of it: tag the one of then`,
  );
}
