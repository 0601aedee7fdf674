import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { SpecOptionsRequest } from '../../client/execution.js';
import type { Io } from '../shared/io.js';
import { flag, list, text, type OptionValues } from '../shared/options.js';
import { sharedNetwork, type NetworkValues } from './network-options.js';
import { DEVICE_RATE_OPTIONS, RESOURCE_OPTIONS, resourcesOf } from './resource-options.js';

/** What a container may do and has, by the words of docker and of containerd's ctr. */
export const SPEC_OPTIONS = {
  ...RESOURCE_OPTIONS,
  ...DEVICE_RATE_OPTIONS,
  envFile: list('--env-file <file>', 'variables, one a line'),
  groupAdd: list('--group-add <group>', 'a further group, by name or number'),
  capAdd: list('--cap-add <name>', 'give a capability, or ALL'),
  capDrop: list('--cap-drop <name>', 'take a capability away, or ALL'),
  seccomp: text('--seccomp <file>', 'seccomp profile, or unconfined'),
  apparmor: text('--apparmor, --apparmor-profile <name>', 'AppArmor profile'),
  privileged: flag('--privileged', 'all capabilities and devices, no seccomp, nothing hidden'),
  allowNewPrivs: flag('--allow-new-privs', 'set-user-id programs have their effect'),
  device: list('--device <host[:container][:rwm]>', 'a device of the host, or vendor/class=name of CDI'),
  ulimit: list('--ulimit <name=soft[:hard]>', 'such as nofile=1024:2048'),
  sysctl: list('--sysctl <name=value>', 'kernel setting of its own namespaces'),
  tmpfs: list('--tmpfs <path[:options]>', 'file system in memory'),
  cgroupParent: text('--cgroup-parent <path>', 'cgroup above that of the container'),
  pid: text('--pid <place>', 'pid namespace: host or container:ID'),
  ipc: text('--ipc <place>', 'ipc namespace: host or container:ID'),
  uts: text('--uts <place>', 'host name: host or container:ID'),
  cgroupns: text('--cgroupns <place>', 'cgroup namespace: host or private'),
  uidmap: list('--uidmap <container:host:size>', 'user namespace with these users'),
  gidmap: list('--gidmap <container:host:size>', 'user namespace with these groups'),
  oomScoreAdj: text('--oom-score-adj <number>', '-1000 to 1000; more is killed sooner'),
  init: flag('--init', 'a small init as process 1 that passes signals on and reaps'),
  annotation: list('--annotation <name=value>', 'annotation of the spec'),
};

type Values = OptionValues<typeof SPEC_OPTIONS> & NetworkValues;

/** What the daemon is told. @throws invalid-argument: a text of the wrong form. not-found: a file that is not there. */
export async function specOptionsOf(values: Values, io: Io): Promise<SpecOptionsRequest> {
  const { seccomp, oomScoreAdj } = values;
  const [cdi, devices] = split(values.device, (name) => !name.startsWith('/'));
  return {
    ...{
      cap_add: [...values.capAdd],
      cap_drop: [...values.capDrop],
      privileged: values.privileged,
      groups: [...values.groupAdd],
    },
    ...{
      apparmor: values.apparmor ?? '',
      allow_new_privileges: values.allowNewPrivs,
      cgroup_parent: values.cgroupParent ?? '',
    },
    seccomp:
      seccomp === undefined || seccomp === 'unconfined' ? (seccomp ?? '') : await readText(io, seccomp, '--seccomp'),
    init: values.init,
    ...{ devices, cdi_devices: cdi, ulimits: [...values.ulimit] },
    sysctls: pairs(values.sysctl, '--sysctl'),
    annotations: pairs(values.annotation, '--annotation'),
    resources: resourcesOf(values),
    namespaces: placesOf({
      network: sharedNetwork(values.net),
      pid: values.pid,
      ipc: values.ipc,
      uts: values.uts,
      cgroup: values.cgroupns,
    }),
    uid_mappings: values.uidmap.map((each) => parseMapping(each, '--uidmap')),
    gid_mappings: values.gidmap.map((each) => parseMapping(each, '--gidmap')),
    ...(oomScoreAdj !== undefined && { oom_score_adj: parseScore(oomScoreAdj) }),
  };
}

/** The variables of `--env-file`: `NAME=VALUE`, or `NAME` for the value from here; `#` begins a comment. */
export async function envFilesOf(files: readonly string[], io: Io): Promise<string[]> {
  const read = await Promise.all(files.map((file) => readText(io, file, '--env-file')));
  const lines = read.flatMap((content) => content.split(/\r?\n/)).map((line) => line.trimStart());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** Mounts of `--tmpfs`. */
export function tmpfsOf(texts: readonly string[]) {
  return texts.map((each) => {
    const [target = '', options = ''] = each.split(/:(.*)/, 2);
    return {
      type: 'tmpfs',
      source: 'tmpfs',
      target,
      options: ['nosuid', 'nodev', 'noexec', ...options.split(',').filter(Boolean)],
    };
  });
}

/** The content of a file that an option names, from where the command was started. */
export async function readText(io: Io, file: string, option: string): Promise<string> {
  return await readFile(resolve(io.cwd, file), 'utf8').catch((cause: unknown) => {
    throw new DaemonError('not-found', `${option} ${file}: can't be read: ${messageOf(cause)}`, { cause });
  });
}

function placesOf(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([kind, place]) => (place === undefined ? [] : [[kind, place]])),
  );
}

/** `NAME=VALUE` each. */
function pairs(texts: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((each) => {
      const at = each.indexOf('=');
      if (at < 1)
        throw new DaemonError('invalid-argument', `${option} ${JSON.stringify(each)} is not of the form NAME=VALUE`);
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

function parseMapping(mapping: string, option: string) {
  const [, container, host, size] = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(mapping) ?? [];
  if (size === undefined)
    throw new DaemonError(
      'invalid-argument',
      `${option} ${JSON.stringify(mapping)} is not of the form CONTAINER:HOST:SIZE`,
    );
  return { container_id: Number(container), host_id: Number(host), size: Number(size) };
}

function parseScore(score: string): number {
  if (/^-?\d{1,4}$/.test(score)) return Number(score);
  throw new DaemonError('invalid-argument', `--oom-score-adj ${JSON.stringify(score)} is no number from -1000 to 1000`);
}

function split<Item>(items: readonly Item[], fits: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(fits), items.filter((item) => !fits(item))];
}
