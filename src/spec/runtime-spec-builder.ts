import { posix } from 'node:path';
import { DaemonError } from '../base/errors.js';
import type { ImageProcess } from './image-config.js';
import {
  argsFor,
  checkArgs,
  checkCwd,
  checkHostname,
  hostnameOf,
  mergeEnv,
  type ProcessOptions,
} from './process-options.js';
import { capabilitiesOf, DEFAULT_CAPABILITIES, DEFAULT_PATH, defaultMounts, NOFILE } from './runtime-spec-defaults.js';
import { buildLinux, type CgroupDriver, type HostDevices } from './runtime-spec-linux.js';
import type { RuntimeSpec, SpecMount, SpecProcess, SpecUser } from './runtime-spec.js';
import { boundingSet } from './spec-capabilities.js';
import { checkOomScore, rlimitsOf, type OwnLimits } from './spec-limits.js';
import type { NamespacePlace, SharedKind } from './spec-namespaces.js';
import type { SpecOptions } from './spec-options.js';
import type { CgroupFacts } from './spec-resources.js';

/** What of the host goes into a spec. */
export interface HostFacts {
  /** Go's name of the architecture, such as `amd64`. */
  readonly architecture: string;
  /** Of version 2, containers get a cgroup namespace. */
  readonly cgroups: CgroupFacts;
  /** Who makes the cgroups of containers: the OCI runtime itself, or systemd for it. */
  readonly cgroupDriver: CgroupDriver;
  /** Capabilities that the daemon has and can hand on. */
  readonly capabilities: readonly string[];
  readonly limits: OwnLimits;
  /** The daemon's own oom score adjustment. */
  readonly oomScoreAdj: number;
  readonly apparmor: boolean;
  /** Those of /etc/hosts and /etc/resolv.conf that exist: shown to containers on the host's network. */
  readonly networkFiles: readonly string[];
  /** Absolute path of wharfd-init. */
  readonly init: string;
}

/** Everything that a container's spec is made of, but for what only its rootfs tells (user, volumes). */
export interface SpecRequest {
  readonly namespace: string;
  readonly id: string;
  readonly image: ImageProcess;
  readonly process: ProcessOptions;
  readonly host: HostFacts;
  readonly options: SpecOptions;
  /** The kinds that are not the container's own by default, and those asked for. */
  readonly namespaces: ReadonlyMap<SharedKind, NamespacePlace>;
  readonly devices: HostDevices;
  readonly readonlyRootfs: boolean;
  readonly mounts: readonly SpecMount[];
}

/**
 * Builds the spec of a container from its image's config and the caller's wishes. The user is root until `withUser`.
 *
 * @throws invalid-argument, failed-precondition: a value of image or caller that a container must not, or can't, have; it says which.
 */
export function buildSpec(request: SpecRequest): RuntimeSpec {
  const { options, namespaces, readonlyRootfs } = request;
  const bounding = boundingSet(options, request.host.capabilities);
  const { annotations } = options;
  return {
    ociVersion: '1.0.2',
    process: buildProcess(request, bounding),
    root: { path: 'rootfs', readonly: readonlyRootfs },
    ...hostnameFor(request),
    mounts: [
      ...defaultMounts({
        hostNetwork: namespaces.get('network') === 'host',
        hostIpc: namespaces.get('ipc') === 'host',
        writable: options.privileged,
      }),
      ...networkMounts(request),
      ...(options.init ? [initMount(request.host.init)] : []),
      ...request.mounts.map(checkMount),
    ],
    ...(Object.keys(annotations).length > 0 && { annotations }),
    linux: buildLinux({ ...request, bounding }),
  };
}

function buildProcess({ image, process, host, options }: SpecRequest, bounding: readonly string[]): SpecProcess {
  const seeded = [`PATH=${DEFAULT_PATH}`, ...(process.terminal ? ['TERM=xterm'] : [])];
  const defaults = [{ type: 'RLIMIT_NOFILE', ...nofile(host.limits.hard['nofile'] ?? NOFILE.hardMax) }];
  const { oomScoreAdj, apparmor } = options;
  if (apparmor !== '' && apparmor !== 'unconfined' && !host.apparmor) {
    throw new DaemonError(
      'failed-precondition',
      `AppArmor profile ${apparmor} can't be used: this kernel has no AppArmor; leave it out`,
    );
  }
  return {
    terminal: process.terminal,
    user: { uid: 0, gid: 0 },
    args: [...(options.init ? [INIT] : []), ...argsFor(image, process)],
    env: mergeEnv(seeded, image.env, process.env),
    cwd: checkCwd(process.cwd || posix.resolve('/', image.workingDir)),
    capabilities: capabilitiesOf(0, bounding),
    rlimits: rlimitsOf(defaults, options.ulimits, host.limits),
    noNewPrivileges: !options.allowNewPrivileges && !options.privileged,
    ...(apparmor !== '' && host.apparmor && { apparmorProfile: apparmor }),
    ...(oomScoreAdj !== undefined && {
      oomScoreAdj: checkOomScore(oomScoreAdj, host.oomScoreAdj, host.limits.mayRaise),
    }),
  };
}

function hostnameFor({ id, process, namespaces }: SpecRequest): { readonly hostname?: string } {
  if ((namespaces.get('uts') ?? 'private') === 'private') {
    return { hostname: process.hostname === '' ? hostnameOf(id) : checkHostname(process.hostname) };
  }
  if (process.hostname === '') return {};
  throw new DaemonError(
    'invalid-argument',
    `hostname ${JSON.stringify(process.hostname)} can't be set: the uts namespace is shared with others`,
  );
}

/** The same with a user as resolved in the rootfs; another one than root has no effective capabilities. */
export function withUser(spec: RuntimeSpec, user: SpecUser): RuntimeSpec {
  return {
    ...spec,
    process: { ...spec.process, user, capabilities: capabilitiesOf(user.uid, spec.process.capabilities.bounding) },
  };
}

/**
 * The process of an exec: as the container's own, but for what the caller wants otherwise. What a foreign client wrote into the
 * container's spec stays, also fields that we do not know.
 *
 * @param user As resolved in the container; undefined to keep the container's.
 */
export function execProcess(
  container: Partial<SpecProcess>,
  options: ProcessOptions,
  user: SpecUser | undefined,
): Partial<SpecProcess> {
  const term = options.terminal ? ['TERM=xterm'] : [];
  const { bounding = DEFAULT_CAPABILITIES } = container.capabilities ?? {};
  const held = user?.uid === 0 ? bounding : [];
  return {
    ...container,
    terminal: options.terminal,
    args: checkArgs(options.args, 'name the command to run'),
    env: mergeEnv(term, container.env ?? [], options.env),
    cwd: checkCwd(options.cwd || (container.cwd ?? '/')),
    ...(user && {
      user,
      capabilities: { bounding, effective: held, permitted: held, inheritable: [], ambient: [] },
    }),
  };
}

/**
 * A mount as the caller gave it, with the defaults of a bind mount.
 *
 * @throws invalid-argument: a destination that is relative, `/` or has `..`; a bind source that is relative.
 */
export function checkMount(mount: SpecMount): SpecMount {
  const { destination, source } = mount;
  const type = mount.type === '' ? 'bind' : mount.type;
  if (
    !destination.startsWith('/') ||
    posix.normalize(destination) === '/' ||
    /[\0\n]|(?:^|\/)\.\.(?:\/|$)/.test(destination)
  ) {
    throw new DaemonError(
      'invalid-argument',
      `mount destination ${JSON.stringify(destination)} is no absolute path in the container`,
    );
  }
  if (type !== 'bind') return { ...mount, type };
  if (!source.startsWith('/')) {
    throw new DaemonError('invalid-argument', `mount source ${JSON.stringify(source)} is no absolute path of the host`);
  }
  const binds = mount.options.some((option) => option === 'bind' || option === 'rbind');
  return { ...mount, type, options: binds ? mount.options : ['rbind', ...mount.options] };
}

/** In a file system that is in memory, so that nothing of it stays in the container's layer. */
const INIT = '/run/wharfd-init';

function initMount(source: string): SpecMount {
  return { destination: INIT, type: 'bind', source, options: ['bind', 'ro', 'nosuid', 'nodev'] };
}

function networkMounts({ namespaces, host }: SpecRequest): SpecMount[] {
  if (namespaces.get('network') !== 'host') return [];
  return host.networkFiles.map((path) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] }));
}

function nofile(hardOfHost: number): { soft: number; hard: number } {
  const hard = Math.min(hardOfHost, NOFILE.hardMax);
  return { soft: Math.min(NOFILE.soft, hard), hard };
}
