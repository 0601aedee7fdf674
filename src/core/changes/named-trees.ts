import { randomBytes } from 'node:crypto';
import { DaemonError, isKind } from '../../base/errors.js';
import { chainIdOf } from '../../spec/chain-id.js';
import { canonicalName } from '../../spec/familiar-name.js';
import { readImage } from '../images/handlers/image-manifest.js';
import type { Mount } from '../kernel/mounts.js';
import type { Scope } from '../namespaces/scope.js';
import type { BasePorts } from './base-tree.js';

/** Two file systems by name: each of a container, an image or a snapshot, the first of these that there is. */
export interface NamedTrees {
  readonly left: string;
  readonly right: string;
  /** Of images and snapshots; empty for the default. */
  readonly snapshotter: string;
}

/**
 * Runs `work` on two file systems, described as mounts.
 *
 * @throws not-found: nothing has the name, or an image is not unpacked. invalid-argument: a name of nothing possible.
 */
export async function withNamedTrees<T>(
  ports: BasePorts,
  scope: Scope,
  { left, right, snapshotter }: NamedTrees,
  work: (left: readonly Mount[], right: readonly Mount[]) => Promise<T>,
): Promise<T> {
  const leases = ports.leases(scope);
  const lease = `wharfd-compare-${randomBytes(8).toString('hex')}`;
  await leases.create({ id: lease, labels: {} }, true);
  const views = new Views(ports, { ...scope, lease }, snapshotter, lease);
  try {
    return await work(await views.of(left), await views.of(right));
  } finally {
    await views.remove();
    await leases.delete(lease);
  }
}

class Views {
  readonly #ports: BasePorts;
  readonly #scope: Scope;
  readonly #snapshotter: string;
  readonly #prefix: string;
  readonly #made: string[] = [];

  constructor(ports: BasePorts, scope: Scope, snapshotter: string, prefix: string) {
    this.#ports = ports;
    this.#scope = scope;
    this.#snapshotter = snapshotter;
    this.#prefix = prefix;
  }

  async of(name: string): Promise<readonly Mount[]> {
    const container = await orMissing(this.#ports.containers(this.#scope).get(name));
    if (container) return await this.#ports.snapshots(this.#scope, container.snapshotter).mounts(container.snapshotKey);
    const image = (await this.#image(name)) ?? (await this.#image(canonicalOf(name)));
    if (image) return await this.#imageTree(name, image.target);
    const snapshots = this.#ports.snapshots(this.#scope, this.#snapshotter);
    const snapshot = await orMissing(snapshots.stat(name));
    if (!snapshot) throw new DaemonError('not-found', `${name}: no container, image or snapshot has that name`);
    return snapshot.kind === 'committed' ? await this.#view(name) : await snapshots.mounts(name);
  }

  async remove(): Promise<void> {
    const snapshots = this.#ports.snapshots(this.#scope, this.#snapshotter);
    for (const key of this.#made) await snapshots.remove(key);
  }

  #image(name: string) {
    return orMissing(this.#ports.images(this.#scope).get(name));
  }

  async #imageTree(name: string, target: Parameters<typeof readImage>[1]): Promise<readonly Mount[]> {
    const { config } = await readImage(this.#ports.content(this.#scope), target, this.#ports.platform);
    const chain = chainIdOf(config.diffIds);
    if (chain === undefined) return [];
    try {
      return await this.#view(chain);
    } catch (cause) {
      if (!isKind(cause, 'not-found')) throw cause;
      throw new DaemonError('not-found', `image ${name} is not unpacked for this snapshotter: "dist pull" it`, {
        cause,
      });
    }
  }

  async #view(parent: string): Promise<readonly Mount[]> {
    const key = `${this.#prefix}-${this.#made.length}`;
    const mounts = await this.#ports.snapshots(this.#scope, this.#snapshotter).view(key, parent);
    this.#made.push(key);
    return mounts;
  }
}

/** The name itself where it can't be one of an image. */
function canonicalOf(name: string): string {
  try {
    return canonicalName(name);
  } catch (error) {
    if (!isKind(error, 'invalid-argument')) throw error;
    return name;
  }
}

async function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (!isKind(error, 'not-found') && !isKind(error, 'invalid-argument')) throw error;
    return undefined;
  }
}
