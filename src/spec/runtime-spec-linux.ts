import { posix } from 'node:path';
import { DaemonError } from '../base/errors.js';
import { MASKED_PATHS, READONLY_PATHS } from './runtime-spec-defaults.js';
import { defaultSeccomp } from './runtime-spec-seccomp.js';
import type { DeviceRule, SpecDevice, SpecIdMapping, SpecLinux } from './runtime-spec.js';
import { parseSeccompProfile } from './seccomp-profile.js';
import { deviceOf, parseDevice } from './spec-devices.js';
import { checkSysctls } from './spec-limits.js';
import { namespacesOf, type NamespacePlace, type SharedKind } from './spec-namespaces.js';
import type { IdMapping as NamespaceIds } from './id-mapping.js';
import type { IdMapping, SpecOptions } from './spec-options.js';
import { resourcesOf, type CgroupFacts, type HostDevice } from './spec-resources.js';

/** Where device files of the host are looked up. */
export interface HostDevices {
  /** @throws not-found, invalid-argument: it is no device. */
  readonly find: (path: string) => HostDevice;
  readonly all: () => readonly HostDevice[];
}

/** What `linux` of a spec is made of. */
export type CgroupDriver = 'cgroupfs' | 'systemd';

export interface LinuxRequest {
  readonly namespace: string;
  readonly id: string;
  readonly options: SpecOptions;
  readonly bounding: readonly string[];
  readonly namespaces: ReadonlyMap<SharedKind, NamespacePlace>;
  readonly devices: HostDevices;
  readonly host: { readonly architecture: string; readonly cgroups: CgroupFacts; readonly cgroupDriver: CgroupDriver };
}

/** @throws invalid-argument, failed-precondition: a wish that can't be, by its name. */
export function buildLinux(request: LinuxRequest): SpecLinux {
  const { options, namespaces, host } = request;
  const { devices, rules } = devicesOf(request);
  const { uidMappings, gidMappings } = mappingsOf(options);
  const list = namespacesOf(namespaces, { cgroup: host.cgroups.v2, user: uidMappings.length > 0 });
  const own = new Set(list.filter(({ path }) => path === undefined).map(({ type }) => type));
  const sysctl = checkSysctls(options.sysctls, own);
  const seccomp = seccompOf(request);
  return {
    namespaces: list,
    cgroupsPath: cgroupsPathOf(request),
    resources: resourcesOf(options.resources, rules, host.cgroups, request.devices.find),
    ...(Object.keys(sysctl).length > 0 && { sysctl }),
    ...(devices.length > 0 && { devices }),
    ...(uidMappings.length > 0 && { uidMappings, gidMappings }),
    ...(seccomp && { seccomp }),
    maskedPaths: options.privileged ? [] : MASKED_PATHS,
    readonlyPaths: options.privileged ? [] : READONLY_PATHS,
  };
}

function devicesOf({ options, devices }: LinuxRequest): {
  devices: readonly SpecDevice[];
  rules: readonly DeviceRule[];
} {
  const named = options.devices.map((text) => {
    const wish = parseDevice(text);
    return deviceOf(devices.find(wish.host), wish);
  });
  const all = options.privileged
    ? devices.all().map((found) => deviceOf(found, { container: found.path, access: 'rwm' }))
    : [];
  const byPath = new Map([...all, ...named].map(({ device }) => [device.path, device]));
  const base: DeviceRule = { allow: options.privileged, access: 'rwm' };
  return { devices: [...byPath.values()], rules: [base, ...named.map(({ rule }) => rule)] };
}

/** Slice, prefix and name of a unit, as runc and crun want it with systemd. */
const UNIT_PATH = /^[^/:\0\n]*\.slice:[^/:]+:[^/:]+$/;
const DEFAULT_SLICE = 'system.slice';

/** Whether a cgroupsPath is one that systemd is to make. */
export function isUnitPath(cgroupsPath: string): boolean {
  return UNIT_PATH.test(cgroupsPath);
}

function cgroupsPathOf({ namespace, id, options, host }: LinuxRequest): string {
  const bySystemd = host.cgroupDriver === 'systemd';
  const cgroupParent = options.cgroupParent || (bySystemd ? DEFAULT_SLICE : '');
  if (cgroupParent === '') return `/${namespace}/${id}`;
  const unit = `${cgroupParent}:wharfd-${namespace}:${id}`;
  if (isUnitPath(unit)) return unit;
  if (bySystemd) {
    const quoted = JSON.stringify(cgroupParent.slice(0, 160));
    throw new DaemonError('invalid-argument', `cgroup parent ${quoted} is no slice, which it is with systemd's driver`);
  }
  if (!cgroupParent.startsWith('/') || /[\0\n:]|(?:^|\/)\.\.(?:\/|$)/.test(cgroupParent)) {
    throw new DaemonError(
      'invalid-argument',
      `cgroup parent ${JSON.stringify(cgroupParent.slice(0, 160))} is no absolute path below the cgroup root, and no slice of systemd`,
    );
  }
  return posix.join(posix.normalize(cgroupParent), id);
}

/**
 * The ids of the user namespace that is asked for; undefined without one. Of users alone, or of groups alone, they count for both.
 *
 * @throws invalid-argument: beyond the ids that there are, or without the container's root.
 */
export function userNamespaceOf(options: SpecOptions): NamespaceIds | undefined {
  const { uidMappings, gidMappings } = mappingsOf(options);
  const ranges = (list: readonly SpecIdMapping[]) =>
    list.map(({ containerID, hostID, size }) => ({ containerId: containerID, hostId: hostID, size }));
  return uidMappings.length === 0 ? undefined : { uids: ranges(uidMappings), gids: ranges(gidMappings) };
}

function mappingsOf({ uidMappings, gidMappings }: SpecOptions): {
  uidMappings: SpecIdMapping[];
  gidMappings: SpecIdMapping[];
} {
  if (uidMappings.length === 0 && gidMappings.length === 0) return { uidMappings: [], gidMappings: [] };
  const [uids, gids] = [uidMappings, gidMappings].map((own, at) =>
    checkMappings(own.length > 0 ? own : at === 0 ? gidMappings : uidMappings),
  );
  return { uidMappings: uids ?? [], gidMappings: gids ?? [] };
}

function checkMappings(mappings: readonly IdMapping[]): SpecIdMapping[] {
  if (!mappings.some(({ containerId, size }) => containerId === 0 && size > 0)) {
    throw new DaemonError(
      'invalid-argument',
      'the mapped ids of a user namespace must have 0, the root of the container',
    );
  }
  return mappings.map(({ containerId, hostId, size }) => {
    if (size < 1 || containerId + size > 2 ** 32 - 1 || hostId + size > 2 ** 32 - 1) {
      throw new DaemonError(
        'invalid-argument',
        `mapping ${containerId}:${hostId}:${size} is not within the ids that there are`,
      );
    }
    return { containerID: containerId, hostID: hostId, size };
  });
}

function seccompOf({ options, bounding, host }: LinuxRequest): SpecLinux['seccomp'] {
  const { seccomp, privileged } = options;
  if (seccomp === 'unconfined' || (seccomp === '' && privileged)) return undefined;
  if (seccomp !== '') return parseSeccompProfile(seccomp, { architecture: host.architecture, bounding });
  return defaultSeccomp(host.architecture, bounding);
}
