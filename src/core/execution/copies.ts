import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { DirectoryFiles, Fd } from '../kernel/directory-files.js';
import { isDirectory } from '../kernel/file-type.js';
import { OPEN, RESOLVE } from '../kernel/open-flags.js';
import type { Scope } from '../namespaces/scope.js';
import type { FileCopies, WritePlace } from './copy-tasks.js';
import type { Execution } from './execution.js';
import type { OpenRoot } from './rootfs-access.js';

/** File systems that are no files of anybody's. */
const KERNEL_TYPES = new Set([
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'devpts',
  'mqueue',
  'debugfs',
  'tracefs',
  'securityfs',
  'bpf',
]);

export interface ReadRequest {
  readonly id: string;
  readonly path: string;
  readonly followLink: boolean;
}

/** What is read: its name and kind, and then the tar. */
export type ReadPart = { readonly name: string; readonly directory: boolean } | { readonly bytes: Uint8Array };

/** Files into and out of containers. Both throw not-found for a container that is not there. */
export class Copies {
  readonly #execution: Pick<Execution, 'withRoot'>;
  readonly #files: DirectoryFiles;
  readonly #copies: FileCopies;

  constructor(execution: Pick<Execution, 'withRoot'>, files: DirectoryFiles, copies: FileCopies) {
    this.#execution = execution;
    this.#files = files;
    this.#copies = copies;
  }

  /** @param take Gets the parts one after another; the next comes when it is done. */
  async read(
    scope: Scope,
    request: ReadRequest,
    signal: AbortSignal,
    take: (part: ReadPart) => Promise<void>,
  ): Promise<void> {
    checkPath(request.path);
    const use = { writes: false, signal };
    await this.#execution.withRoot(scope, request.id, use, async ({ root, pid, signal: until }) => {
      const { path, followLink } = request;
      const name = nameIn(path);
      const follows = followLink || name === '.' || path.endsWith('/');
      await take({ name, directory: this.#isDirectory(root, path, follows) });
      const skipped = pid === undefined ? [] : await kernelDevices(pid);
      for await (const bytes of this.#copies.pack(root, { path, followLink: follows, name, skipped }, until))
        await take({ bytes });
    });
  }

  async write(
    scope: Scope,
    id: string,
    place: WritePlace,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    checkPath(place.path);
    const work = ({ root, signal: until }: OpenRoot) => this.#copies.unpack(root, place, tar, until);
    await this.#execution.withRoot(scope, id, { writes: true, signal }, work);
  }

  #isDirectory(root: Fd, path: string, follows: boolean): boolean {
    const flags = OPEN.path | (follows ? 0 : OPEN.noFollow);
    try {
      const fd = this.#files.open(root, inside(path), flags, RESOLVE.inRoot | RESOLVE.noMagicLinks);
      try {
        return isDirectory(this.#files.statFd(fd));
      } finally {
        this.#files.close(fd);
      }
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT') && !isErrno(cause, 'ENOTDIR')) throw cause;
      throw new DaemonError('not-found', `${JSON.stringify(path)} is not in the container`, { cause });
    }
  }
}

function checkPath(path: string): void {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > 4095)
    throw new DaemonError('invalid-argument', `${JSON.stringify(path.slice(0, 160))} is no path in a container`);
}

function inside(path: string): string {
  return path.replace(/^\/+/, '') || '.';
}

function nameIn(path: string): string {
  const whole = posix.normalize(`/${path}`).replace(/\/$/, '');
  return whole === '' || path.endsWith('/.') || path === '.' ? '.' : posix.basename(whole);
}

/** The numbers (st_dev) of what a process sees of the kernel's own file systems. */
async function kernelDevices(pid: number): Promise<number[]> {
  const found = new Set<number>();
  for (const line of (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).split('\n')) {
    const [, , device = ''] = line.split(' ');
    const type = line.split(' - ')[1]?.split(' ')[0] ?? '';
    const [major = 0, minor = 0] = device.split(':').map(Number);
    if (KERNEL_TYPES.has(type)) found.add((minor & 0xff) + (major & 0xfff) * 0x100 + (minor & 0xfff00) * 0x1000);
  }
  return [...found];
}
