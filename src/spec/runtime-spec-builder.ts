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
import {
  capabilitiesOf,
  DEFAULT_CAPABILITIES,
  DEFAULT_NAMESPACES,
  DEFAULT_PATH,
  DEFAULT_PIDS_LIMIT,
  defaultMounts,
  MASKED_PATHS,
  NOFILE,
  READONLY_PATHS,
} from './runtime-spec-defaults.js';
import { defaultSeccomp } from './runtime-spec-seccomp.js';
import type { RuntimeSpec, SpecLinux, SpecMount, SpecProcess, SpecUser } from './runtime-spec.js';

/** What of the host goes into a spec. */
export interface HostFacts {
  /** Go's name of the architecture, such as `amd64`. */
  readonly architecture: string;
  /** Only cgroup v2 is mounted; containers get a cgroup namespace. */
  readonly cgroupV2: boolean;
  /** Hard limit of open files that we can give at most. */
  readonly nofileHard: number;
  /** Those of /etc/hosts and /etc/resolv.conf that exist: shown to containers on the host's network. */
  readonly networkFiles: readonly string[];
}

/** Everything that a container's spec is made of, but for what only its rootfs tells (user, volumes). */
export interface SpecRequest {
  readonly namespace: string;
  readonly id: string;
  readonly image: ImageProcess;
  readonly process: ProcessOptions;
  readonly host: HostFacts;
  readonly hostNetwork: boolean;
  readonly readonlyRootfs: boolean;
  readonly mounts: readonly SpecMount[];
}

/**
 * Builds the spec of a container from its image's config and the caller's wishes. The user is root until `withUser`.
 *
 * @throws invalid-argument: a value of image or caller that a container must not have; it says which.
 */
export function buildSpec(request: SpecRequest): RuntimeSpec {
  const { id, image, process, host, hostNetwork, readonlyRootfs } = request;
  const seeded = [`PATH=${DEFAULT_PATH}`, ...(process.terminal ? ['TERM=xterm'] : [])];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: process.terminal,
      user: { uid: 0, gid: 0 },
      args: argsFor(image, process),
      env: mergeEnv(seeded, image.env, process.env),
      cwd: checkCwd(process.cwd || posix.resolve('/', image.workingDir)),
      capabilities: capabilitiesOf(0),
      rlimits: [{ type: 'RLIMIT_NOFILE', ...nofile(host.nofileHard) }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: readonlyRootfs },
    hostname: process.hostname === '' ? hostnameOf(id) : checkHostname(process.hostname),
    mounts: [...defaultMounts({ hostNetwork }), ...networkMounts(request), ...request.mounts.map(checkMount)],
    linux: buildLinux(request),
  };
}

/** The same with a user as resolved in the rootfs; another one than root has no effective capabilities. */
export function withUser(spec: RuntimeSpec, user: SpecUser): RuntimeSpec {
  return { ...spec, process: { ...spec.process, user, capabilities: capabilitiesOf(user.uid) } };
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

function networkMounts({ hostNetwork, host }: SpecRequest): SpecMount[] {
  if (!hostNetwork) return [];
  return host.networkFiles.map((path) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] }));
}

function buildLinux({ namespace, id, host, hostNetwork }: SpecRequest): SpecLinux {
  const types = DEFAULT_NAMESPACES.filter((type) => !(hostNetwork && type === 'network'));
  const seccomp = defaultSeccomp(host.architecture, DEFAULT_CAPABILITIES);
  return {
    namespaces: [...types, ...(host.cgroupV2 ? (['cgroup'] as const) : [])].map((type) => ({ type })),
    cgroupsPath: `/${namespace}/${id}`,
    resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: DEFAULT_PIDS_LIMIT } },
    ...(seccomp && { seccomp }),
    maskedPaths: MASKED_PATHS,
    readonlyPaths: READONLY_PATHS,
  };
}

function nofile(hardOfHost: number): { soft: number; hard: number } {
  const hard = Math.min(hardOfHost, NOFILE.hardMax);
  return { soft: Math.min(NOFILE.soft, hard), hard };
}
