import type { SpecCapabilities, SpecMount } from './runtime-spec.js';

/** What a container's root may do; the set that Docker and containerd have settled on. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/**
 * The capabilities of a process. Inheritable and ambient are always empty (CVE-2022-24769), and only root has effective ones.
 *
 * @param uid In the container.
 */
export function capabilitiesOf(uid: number, bounding: readonly string[]): SpecCapabilities {
  const held = uid === 0 ? bounding : [];
  return { bounding, effective: held, permitted: held, inheritable: [], ambient: [] };
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Processes and threads that one container may have. */
export const DEFAULT_PIDS_LIMIT = 4096;

/** Open files: what programs that use select(2) can bear, and what others may raise it to. */
export const NOFILE = { soft: 1024, hardMax: 1_048_576 } as const;

/** Parts of /proc and /sys that tell of, or reach into, the host; shown empty. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

const NO_EXEC = ['nosuid', 'noexec', 'nodev'];

/** What of a container's own it shares, or may do. */
export interface MountNeeds {
  /** A shared network namespace needs the host's sysfs. */
  readonly hostNetwork: boolean;
  /** With the host's System V memory goes its /dev/shm. */
  readonly hostIpc: boolean;
  /** Of /sys and the cgroups. */
  readonly writable: boolean;
}

/** File systems of the kernel that every container has. */
export function defaultMounts({ hostNetwork, hostIpc, writable }: MountNeeds): SpecMount[] {
  const tmpfs = ['nosuid', 'strictatime', 'mode=755', 'size=65536k'];
  const access = writable ? 'rw' : 'ro';
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: NO_EXEC },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: tmpfs },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    hostIpc
      ? { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', ...NO_EXEC] }
      : { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...NO_EXEC, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: NO_EXEC },
    sysMount(hostNetwork, access),
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...NO_EXEC, 'relatime', access] },
    { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: tmpfs },
  ];
}

/** A new sysfs shows the network namespace of who mounts it, and the kernel refuses one for a namespace that is not the container's own. */
function sysMount(hostNetwork: boolean, access: 'ro' | 'rw'): SpecMount {
  if (!hostNetwork) return { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...NO_EXEC, access] };
  return { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...NO_EXEC, access] };
}
