import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { DaemonError, isErrno } from '../base/errors.js';
import { faultPoint } from '../base/fault-point.js';
import { Teardown } from '../base/teardown.js';
import type { Fd } from '../core/kernel/directory-files.js';
import type { Mount, MountedDirectory, MountInfo, Mounts, UnmountFlags } from '../core/kernel/mounts.js';
import { mappingOf, namespaceMaps, withoutMapping, type NamespaceMaps } from '../core/kernel/mount-mapping.js';
import { OPEN, RESOLVE } from '../core/kernel/open-flags.js';
import { addon, type AttributeArguments } from './addon.js';
import { parseMountInfo } from './mount-info.js';
import { parseMountOptions, type MountRequest } from './mount-options.js';
import { MOUNT_DATA_BYTES, OVERLAY_LAYERS_MAX, parseOverlayOptions } from './overlay-options.js';
import { check } from './outcome.js';

/** Of sys/mount.h. */
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
/** Of a bind mount that shows owners as they are. */
const NO_NAMESPACE = -1;

function ownAttributes(request: MountRequest): AttributeArguments {
  return [request.set, request.clear, request.propagateBelow ? 0 : request.propagation, 0];
}

function attributesBelow(request: MountRequest): AttributeArguments {
  return [request.setBelow, request.clearBelow, request.propagateBelow ? request.propagation : 0, 1];
}

/** Where a mount goes that names a place below the target: links of the tree cannot lead out of it. */
function resolveInside(root: string, path: string): string {
  const native = addon();
  const dir = check('open directory', root, native.open(-100, root, OPEN.path | OPEN.directory, 0, 0));
  try {
    const fd = check('openat2', path, native.open(dir, path, OPEN.path, RESOLVE.inRoot, 0));
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(dir);
  }
}

class KernelMounts implements Mounts {
  async mount(mount: Mount, target: string): Promise<void> {
    const mapping = mappingOf(mount.options);
    const request = parseMountOptions(mount.type, withoutMapping(mount.options));
    if (mapping) await this.#mountMapped(mount, request, target, namespaceMaps(mapping));
    else if (request.bind === undefined) await this.#mountFileSystem(mount, request, target);
    else await this.#bind(mount, request, target, NO_NAMESPACE);
    faultPoint('a mount is done');
    try {
      await this.#applyBelow(request, target);
    } catch (cause) {
      await this.unmount(target, { detach: true, follow: true });
      throw cause;
    }
  }

  async mountAll(mounts: readonly Mount[], target: string): Promise<MountedDirectory> {
    return Teardown.build(async (down) => {
      for (const mount of mounts) {
        const place = mount.target === undefined ? target : resolveInside(target, mount.target);
        await this.mount(mount, place);
        down.add(() => this.#unmountSurely(place));
      }
      return { path: target, [Symbol.asyncDispose]: () => down.run() };
    });
  }

  async remount(target: string, options: readonly string[]): Promise<void> {
    const request = parseMountOptions('bind', options);
    check('mount_setattr', target, await addon().setAttributes(target, ...ownAttributes(request)));
    await this.#applyBelow(request, target);
  }

  async unmount(target: string, { detach = false, follow = false }: UnmountFlags = {}): Promise<void> {
    const flags = (detach ? MNT_DETACH : 0) | (follow ? 0 : UMOUNT_NOFOLLOW);
    check('umount2', target, await addon().unmount(target, flags));
    faultPoint('a mount is undone');
  }

  list(): Promise<readonly MountInfo[]> {
    return Promise.resolve(parseMountInfo(readFileSync('/proc/self/mountinfo')));
  }

  async #mountMapped(mount: Mount, request: MountRequest, target: string, maps: NamespaceMaps): Promise<void> {
    const made = await addon().userNamespace(maps.uids, maps.gids);
    const namespace = check('make a user namespace', `for ${target}`, made);
    try {
      if (request.bind !== undefined) await this.#bind(mount, request, target, namespace);
      else await this.#mountMappedLayers(mount, request, target, namespace);
    } finally {
      closeSync(namespace);
    }
  }

  async #mountMappedLayers(mount: Mount, request: MountRequest, target: string, namespace: Fd): Promise<void> {
    if (mount.type !== 'overlay') {
      throw new DaemonError(
        'invalid-argument',
        `mount ${mount.type} on ${target}: only bind mounts and overlays can show mapped owners`,
      );
    }
    const { lower } = parseOverlayOptions(request.data);
    const others = request.data.filter((option) => !option.startsWith('lowerdir=')).join(',');
    const paths = lower.map((path) => path.replace(/\\(.)/gu, '$1'));
    const outcome = await addon().mountMappedLayers(mount.source, target, others, request.flags, namespace, paths);
    check('mount', `overlay of ${lower.length} mapped layers on ${target}`, outcome);
  }

  async #bind({ source }: Mount, request: MountRequest, target: string, namespace: Fd): Promise<void> {
    const recursive = request.bind === 'all' ? 1 : 0;
    const outcome = await addon().bind(source, target, ...ownAttributes(request), recursive, namespace);
    check('bind mount', `${source} on ${target}`, outcome);
  }

  async #mountFileSystem(mount: Mount, request: MountRequest, target: string): Promise<void> {
    const data = request.data.join(',');
    if (Buffer.byteLength(data) > MOUNT_DATA_BYTES) {
      await this.#mountManyLayers(mount, request, target);
    } else {
      const outcome = await addon().mount(mount.source, target, mount.type, request.flags, data === '' ? null : data);
      check('mount', `${mount.type} on ${target}`, outcome);
    }
    if (request.propagation === 0 || request.propagateBelow) return;
    check('mount_setattr', target, await addon().setAttributes(target, 0, 0, request.propagation, 0));
  }

  async #mountManyLayers(mount: Mount, request: MountRequest, target: string): Promise<void> {
    if (mount.type !== 'overlay') {
      throw new DaemonError(
        'invalid-argument',
        `mount ${mount.type} on ${target}: its options are longer than ${MOUNT_DATA_BYTES} bytes`,
      );
    }
    const { lower, others, directory, data } = parseOverlayOptions(request.data);
    if (lower.length > OVERLAY_LAYERS_MAX) {
      throw new DaemonError(
        'invalid-argument',
        `mount overlay on ${target}: ${lower.length} layers are more than the ${OVERLAY_LAYERS_MAX} that can be mounted`,
      );
    }
    const mountBy = (text: string | null) =>
      addon().mountLayers(mount.source, target, directory, text, request.flags, request.set, lower, others);
    /* mount(2) with short names works on every kernel; the newer call takes what is too long even so. */
    const outcome = await mountBy(data ?? null);
    check('mount', `overlay of ${lower.length} layers on ${target}`, outcome);
  }

  async #applyBelow(request: MountRequest, target: string): Promise<void> {
    const attributes = attributesBelow(request);
    if (attributes[0] === 0 && attributes[1] === 0 && attributes[2] === 0) return;
    check('mount_setattr', target, await addon().setAttributes(target, ...attributes));
  }

  /** At the end of a scope a mount that somebody still looks into must not stay either. */
  async #unmountSurely(target: string): Promise<void> {
    try {
      await this.unmount(target, { follow: true });
    } catch (cause) {
      if (!isErrno(cause, 'EBUSY')) throw cause;
      await this.unmount(target, { detach: true, follow: true });
    }
  }
}

export function createMounts(): Mounts {
  return new KernelMounts();
}
