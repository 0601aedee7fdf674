import { createHash, randomUUID } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { DaemonError, isErrno, isKind, messageOf, undefinedIfMissing } from '../../base/errors.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import type { Logger } from '../../base/logger.js';
import { chainIdOf } from '../../spec/chain-id.js';
import { rootLabels } from '../../spec/labels.js';
import type { Platform } from '../../spec/platform.js';
import type { ContentStore } from '../content/content-store.js';
import { readImage } from '../images/handlers/image-manifest.js';
import type { ImageStore } from '../images/image-store.js';
import type { Mount, Mounts } from '../kernel/mounts.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { NamespaceStore } from '../namespaces/namespace-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { SnapshotInfo, Snapshotter } from '../snapshots/snapshotter.js';
import type { Rootfs } from './rootfs.js';

/** On the snapshot of a mount: where it is mounted. */
const MOUNTED_AT = 'wharfd.io/mounted-at';

export interface MountRequest {
  /** Name of a stored image. */
  readonly image: string;
  /** Absolute path of a directory that exists. */
  readonly directory: string;
  readonly writable: boolean;
  /** Empty for the default. */
  readonly snapshotter: string;
}

export interface MountedImagesPorts {
  readonly images: Scoped<ImageStore>;
  readonly content: Scoped<ContentStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly namespaces: NamespaceStore;
  readonly rootfs: Rootfs;
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
  /** Names of all snapshotters. */
  readonly snapshotters: readonly string[];
  readonly defaultSnapshotter: string;
  readonly platform: Platform;
  readonly mounts: Mounts;
  readonly log: Logger;
}

/**
 * File systems of images that are mounted for people to look into. A snapshot stands for each, kept by its label `gc.root`; it says where it is
 * mounted, so that nothing else has to be remembered over a restart.
 */
export interface MountedImages {
  /**
   * Mounts an image's file system, unpacking it first if needed.
   *
   * @returns Key of the snapshot and its snapshotter.
   * @throws not-found: the image or the directory. failed-precondition: something is mounted there already.
   */
  mount(scope: Scope, request: MountRequest): Promise<{ readonly key: string; readonly snapshotter: string }>;
  /** Unmounts and removes the snapshot, with what was written. @throws not-found: no mount of ours. failed-precondition: in use. */
  unmount(scope: Scope, directory: string): Promise<void>;
  /** At the start: removes snapshots whose mount was never made, or ended with the machine. */
  recover(): Promise<void>;
}

export function createMountedImages(ports: MountedImagesPorts): MountedImages {
  return new ImageMounts(ports);
}

interface Found {
  readonly info: SnapshotInfo;
  readonly snapshotter: string;
}

class ImageMounts implements MountedImages {
  readonly #ports: MountedImagesPorts;
  readonly #directories = new KeyedLock();

  constructor(ports: MountedImagesPorts) {
    this.#ports = ports;
  }

  async mount(scope: Scope, request: MountRequest): Promise<{ readonly key: string; readonly snapshotter: string }> {
    const directory = await realDirectory(request.directory);
    return await this.#directories.run(directory, async () => {
      if (await this.#isMounted(directory)) {
        throw new DaemonError(
          'failed-precondition',
          `something is mounted at ${directory} already: choose another directory, or "dist unmount" it`,
        );
      }
      const snapshotter = request.snapshotter || this.#ports.defaultSnapshotter;
      const snapshots = this.#ports.snapshots(scope, snapshotter);
      const key = keyOf(directory);
      // Left by a mount that somebody else has taken away.
      await snapshots.remove(key).catch(undefinedIfMissing);
      const mounts = await this.#prepare(scope, key, snapshotter, { ...request, directory });
      try {
        for (const mount of mounts) await this.#ports.mounts.mount(harmless(mount), directory);
      } catch (cause) {
        await snapshots.remove(key);
        throw cause;
      }
      return { key, snapshotter };
    });
  }

  async unmount(scope: Scope, directory: string): Promise<void> {
    const place = await realDirectory(directory);
    await this.#directories.run(place, async () => {
      const found = await this.#find(scope, place);
      if (found === undefined) {
        throw new DaemonError('not-found', `no image is mounted at ${place} in namespace ${scope.namespace}`);
      }
      if (await this.#isMounted(place)) await this.#detach(place);
      await this.#ports.snapshots(scope, found.snapshotter).remove(found.info.name);
    });
  }

  async recover(): Promise<void> {
    const { namespaces, snapshotters, snapshots, log } = this.#ports;
    const mounted = new Set((await this.#ports.mounts.list()).map(({ mountPoint }) => mountPoint));
    for (const { name: namespace } of await namespaces.list()) {
      for (const snapshotter of snapshotters) {
        const store = snapshots({ namespace }, snapshotter);
        for (const { name, labels } of await store.list([`labels."${MOUNTED_AT}"`])) {
          if (mounted.has(labels[MOUNTED_AT] ?? '')) continue;
          await store.remove(name).catch((error: unknown) => {
            log.error({ namespace, snapshot: name, error: messageOf(error) }, 'a mount that is gone left its snapshot');
          });
        }
      }
    }
  }

  async #prepare(scope: Scope, key: string, snapshotter: string, request: MountRequest): Promise<readonly Mount[]> {
    const { images, content, leases, rootfs, platform } = this.#ports;
    const { target } = await images(scope).get(request.image);
    const stored = await readImage(content(scope), target, platform);
    const chainId = chainIdOf(stored.config.diffIds) ?? '';
    const command = `dist mount ${request.image} ${request.directory}`;
    const labels = { ...rootLabels(command), [MOUNTED_AT]: request.directory };
    const lease = `wharfd-mount-${randomUUID()}`;
    await leases(scope).create({ id: lease, labels: {} }, true);
    try {
      const leased = { ...scope, lease };
      const prepare = () => rootfs.prepare(leased, { key, chainId, snapshotter, readonly: !request.writable, labels });
      return await prepare().catch(async (cause: unknown) => {
        if (!isKind(cause, 'not-found')) throw cause;
        await rootfs.unpackManifest(leased, stored.target.digest, { snapshotter });
        return await prepare();
      });
    } finally {
      await leases(scope).delete(lease);
    }
  }

  async #detach(directory: string): Promise<void> {
    try {
      await this.#ports.mounts.unmount(directory);
    } catch (cause) {
      if (!isErrno(cause, 'EBUSY')) throw cause;
      throw new DaemonError(
        'failed-precondition',
        `${directory} is in use: leave it, and end the programs that have files of it open`,
        { cause },
      );
    }
  }

  async #find(scope: Scope, directory: string): Promise<Found | undefined> {
    for (const snapshotter of this.#ports.snapshotters) {
      const infos = await this.#ports.snapshots(scope, snapshotter).list([`labels."${MOUNTED_AT}"`]);
      const info = infos.find(({ labels }) => labels[MOUNTED_AT] === directory);
      if (info) return { info, snapshotter };
    }
    return undefined;
  }

  async #isMounted(directory: string): Promise<boolean> {
    return (await this.#ports.mounts.list()).some(({ mountPoint }) => mountPoint === directory);
  }
}

/** Images are strangers' files: on the host they lend nobody rights, and their devices are names only. */
function harmless(mount: Mount): Mount {
  return { ...mount, options: [...mount.options, 'nosuid', 'nodev'] };
}

/** One snapshot a directory. */
function keyOf(directory: string): string {
  return `mount-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`;
}

/** The path as the kernel's table of mounts has it. */
async function realDirectory(path: string): Promise<string> {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new DaemonError('invalid-argument', `${JSON.stringify(path)} is no absolute path of a directory`);
  }
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause;
    throw new DaemonError('not-found', `directory ${path} does not exist: make it first`, { cause });
  }
  throw new DaemonError('invalid-argument', `${path} is no directory`);
}
