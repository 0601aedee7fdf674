import { readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHostId } from '../../spec/id-mapping.js';
import { parseGroup, parseUser, resolveUser } from '../../spec/container-user.js';
import { DaemonError, isKind } from '../../base/errors.js';
import { Teardown } from '../../base/teardown.js';
import type { SpecUser } from '../../spec/runtime-spec.js';
import type { Fd } from '../kernel/directory-files.js';
import type { Kernel } from '../kernel/kernel.js';
import { mappingOf } from '../kernel/mount-mapping.js';
import type { Mount } from '../kernel/mounts.js';
import { readonlyMounts } from '../kernel/readonly-mounts.js';
import { makeVolumeDirectories, readRootfsFile, volumesExist, type Owner } from './rootfs-files.js';

/** Names of our own in the scratch directory, which others use too. */
const PREFIX = 'view-';
const HARMLESS = ['nodev', 'nosuid', 'noexec'];

/** `user[:group]` and further groups, by name or number. */
export interface UserWish {
  readonly user: string;
  readonly groups: readonly string[];
}

/** What only a container's root file system tells. */
export class RootfsView {
  readonly #kernel: Pick<Kernel, 'mounts' | 'files'>;
  readonly #scratch: string;

  /** @param scratch Directory for mounts that last a moment. */
  constructor(kernel: Pick<Kernel, 'mounts' | 'files'>, scratch: string) {
    this.#kernel = kernel;
    this.#scratch = scratch;
  }

  /**
   * Looks up the user in a snapshot that no container runs on yet, and makes the directories of volumes that are not there.
   *
   * @throws invalid-argument: no such user; a volume that leads nowhere; hostile files.
   */
  async prepare(mounts: readonly Mount[], user: UserWish, volumes: readonly string[]): Promise<SpecUser> {
    const { files } = this.#kernel;
    const { found, complete } = await this.#within(readonlyMounts(mounts, HARMLESS), (root) => ({
      found: this.#userIn(root, user),
      complete: volumesExist(files, root, volumes),
    }));
    if (!complete) {
      await this.#within(mounts.map(harmless), (root) => {
        makeVolumeDirectories(files, root, volumes, rootOf(mounts));
      });
    }
    return found;
  }

  /** Looks up the user in the root of a running process, given by its pid. @throws As `prepare`. */
  ofProcess(pid: number, user: string): SpecUser {
    const { files } = this.#kernel;
    const root = files.openDirectory(`/proc/${pid}/root`);
    try {
      return this.#userIn(root, { user, groups: [] });
    } finally {
      files.close(root);
    }
  }

  /**
   * Opens the root of a running process, to be closed by the caller.
   *
   * @throws failed-precondition: the process has the daemon's own mounts, so it is none of a container.
   */
  openRootOf(pid: number): Fd {
    const root = this.#kernel.files.openDirectory(`/proc/${pid}/root`);
    if (readlinkSync(`/proc/${pid}/ns/mnt`) !== readlinkSync('/proc/self/ns/mnt')) return root;
    this.#kernel.files.close(root);
    throw new DaemonError('failed-precondition', `process ${pid} has no mount namespace of its own`);
  }

  closeRoot(root: Fd): void {
    this.#kernel.files.close(root);
  }

  /**
   * Runs `work` on a root file system that nothing runs on, mounted for the time.
   *
   * @param binds On top of it, with a `target` each; one whose place is not there is left out.
   */
  async mounted<T>(mounts: readonly Mount[], binds: readonly Mount[], work: (root: Fd) => Promise<T>): Promise<T> {
    return await this.#within(mounts.map(harmless), async (root, path) => {
      await using down = new Teardown();
      for (const bind of binds) {
        const done = await this.#kernel.mounts.mountAll([harmless(bind)], path).catch((error: unknown) => {
          if (!isKind(error, 'not-found')) throw error;
        });
        if (done) down.own(done);
      }
      return await work(root);
    });
  }

  /** Removes mounts that a daemon left which was killed at the wrong moment. */
  async clean(): Promise<void> {
    for (const { mountPoint } of (await this.#kernel.mounts.list()).toReversed()) {
      if (mountPoint.startsWith(join(this.#scratch, PREFIX)))
        await this.#kernel.mounts.unmount(mountPoint, { detach: true });
    }
    await mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#scratch)) {
      if (name.startsWith(PREFIX)) await rmdir(join(this.#scratch, name));
    }
  }

  #userIn(root: Fd, { user, groups }: UserWish): SpecUser {
    const { files } = this.#kernel;
    return resolveUser(
      { ...parseUser(user), more: groups.map(parseGroup) },
      readRootfsFile(files, root, '/etc/passwd'),
      readRootfsFile(files, root, '/etc/group'),
    );
  }

  async #within<T>(mounts: readonly Mount[], work: (root: Fd, path: string) => T | Promise<T>): Promise<T> {
    const { mounts: kernel, files } = this.#kernel;
    await mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    const dir = await mkdtemp(join(this.#scratch, PREFIX));
    try {
      await using mounted = await kernel.mountAll(mounts, dir);
      const root = files.openDirectory(mounted.path);
      try {
        return await work(root, mounted.path);
      } finally {
        files.close(root);
      }
    } finally {
      await rmdir(dir);
    }
  }
}

function rootOf(mounts: readonly Mount[]): Owner {
  const mapping = mounts.map(({ options }) => mappingOf(options)).find((found) => found !== undefined);
  return { uid: toHostId(mapping?.uids ?? [], 0) ?? 0, gid: toHostId(mapping?.gids ?? [], 0) ?? 0 };
}

function harmless(mount: Mount): Mount {
  return { ...mount, options: [...mount.options, ...HARMLESS] };
}
