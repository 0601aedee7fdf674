import { posix } from 'node:path';
import { DaemonError } from '../base/errors.js';
import type { DeviceRule, SpecDevice } from './runtime-spec.js';
import type { HostDevice } from './spec-resources.js';

/** A device as asked for. */
export interface DeviceWish {
  readonly host: string;
  readonly container: string;
  /** Of the letters r, w and m. */
  readonly access: string;
}

/** Takes `HOST[:CONTAINER][:rwm]` apart. @throws invalid-argument. */
export function parseDevice(text: string): DeviceWish {
  const [host = '', ...rest] = text.split(':');
  const access = rest.length > 0 && /^[rwm]{1,3}$/.test(rest.at(-1) ?? '') ? (rest.pop() ?? '') : 'rwm';
  const [container = host, ...more] = rest;
  const fits = (path: string): boolean =>
    path.startsWith('/') && !/[\0\n]|(?:^|\/)\.\.(?:\/|$)/.test(path) && posix.normalize(path) !== '/';
  if (more.length > 0 || !fits(host) || !fits(container)) {
    throw new DaemonError(
      'invalid-argument',
      `device ${JSON.stringify(text.slice(0, 160))} is not of the form HOST[:CONTAINER][:rwm], with absolute paths`,
    );
  }
  return { host, container: posix.normalize(container), access };
}

/** The device file and the cgroup rule that one device of the host becomes in a container. */
export function deviceOf(
  found: HostDevice,
  wish: Pick<DeviceWish, 'container' | 'access'>,
): { readonly device: SpecDevice; readonly rule: DeviceRule } {
  const { type, major, minor, mode, uid, gid } = found;
  return {
    device: { path: wish.container, type, major, minor, fileMode: mode & 0o777, uid, gid },
    rule: { allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access: wish.access },
  };
}
