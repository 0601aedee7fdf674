import { DaemonError } from '../base/errors.js';
import { DEFAULT_PIDS_LIMIT } from './runtime-spec-defaults.js';
import type { DeviceRule, SpecResources, ThrottleDevice } from './runtime-spec.js';
import type { ResourceOptions } from './spec-options.js';

/** A device file of the host. */
export interface HostDevice {
  /** Where it is on the host. */
  readonly path: string;
  readonly type: 'c' | 'b' | 'p';
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What the machine's cgroups are. */
export interface CgroupFacts {
  /** Only version 2 is mounted. */
  readonly v2: boolean;
  /** Names as version 1 has them: memory, cpu, cpuset, pids, blkio. */
  readonly controllers: ReadonlySet<string>;
}

const MEMORY_MIN = 6 * 1024 * 1024;
const CPUSET = /^\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*$/;

/**
 * linux.resources of the runtime spec.
 *
 * @param device Looks up a device file by its path.
 * @throws invalid-argument: a limit that is none. failed-precondition: one that the machine's cgroups can't hold.
 */
export function resourcesOf(
  options: ResourceOptions,
  rules: readonly DeviceRule[],
  cgroups: CgroupFacts,
  device: (path: string) => HostDevice,
): SpecResources {
  const memory = memoryOf(options);
  const cpu = cpuOf(options);
  const blockIO = blockIoOf(options, device);
  const parts: Readonly<Record<string, object | undefined>> = { memory, cpu, blkio: blockIO };
  for (const [name, part] of Object.entries(parts)) if (part) requireController(cgroups, name);
  if (options.cpusetCpus !== '' || options.cpusetMems !== '') requireController(cgroups, 'cpuset');
  if (options.pids !== undefined) requireController(cgroups, 'pids');
  return {
    devices: rules,
    pids: { limit: pidsOf(options.pids) },
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(blockIO && { blockIO }),
  };
}

function requireController({ v2, controllers }: CgroupFacts, name: string): void {
  if (controllers.has(name)) return;
  throw new DaemonError(
    'failed-precondition',
    `a limit of ${name} can't be set: cgroup version ${v2 ? 2 : 1} has no such controller on this machine; leave it out`,
  );
}

function pidsOf(wanted: number | undefined): number {
  if (wanted === undefined) return DEFAULT_PIDS_LIMIT;
  return wanted <= 0 ? -1 : atLeast(wanted, 1, 'number of processes');
}

function memoryOf({ memory, memorySwap, memoryReservation }: ResourceOptions): SpecResources['memory'] {
  if (memory === undefined && memorySwap === undefined && memoryReservation === undefined) return undefined;
  const limit = memory === undefined || memory === -1 ? memory : atLeast(memory, MEMORY_MIN, 'memory limit in bytes');
  if (memorySwap !== undefined && memorySwap !== -1) checkSwap(memorySwap, limit);
  const reservation = memoryReservation === undefined ? undefined : atLeast(memoryReservation, 0, 'memory reservation');
  return {
    ...(limit !== undefined && { limit }),
    ...(memorySwap !== undefined && { swap: memorySwap }),
    ...(reservation !== undefined && { reservation }),
  };
}

function checkSwap(both: number, memory: number | undefined): void {
  if (memory === undefined || memory === -1) throw bad('a limit of memory and swap needs one of memory too');
  if (both < memory) throw bad(`the limit of memory and swap, ${both}, is below that of memory, ${memory}`);
}

function cpuOf({ cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems }: ResourceOptions): SpecResources['cpu'] {
  const cpu = {
    ...(cpuShares !== undefined && { shares: atLeast(cpuShares, 2, 'number of cpu shares') }),
    ...(cpuQuota !== undefined && {
      quota: cpuQuota === -1 ? -1 : atLeast(cpuQuota, 1000, 'cpu quota in microseconds'),
    }),
    ...(cpuPeriod !== undefined && { period: atLeast(cpuPeriod, 1000, 'cpu period in microseconds') }),
    ...(cpusetCpus !== '' && { cpus: cpuset(cpusetCpus) }),
    ...(cpusetMems !== '' && { mems: cpuset(cpusetMems) }),
  };
  return Object.keys(cpu).length === 0 ? undefined : cpu;
}

function cpuset(text: string): string {
  if (CPUSET.test(text)) return text;
  throw bad(`${JSON.stringify(text.slice(0, 80))} is no list of processors or memory nodes, such as 0-3,7`);
}

function blockIoOf(options: ResourceOptions, device: (path: string) => HostDevice): SpecResources['blockIO'] {
  const { blkioWeight, readBps, writeBps, readIops, writeIops } = options;
  const throttle = (texts: readonly string[]) => texts.map((text) => throttleOf(text, device));
  if (blkioWeight !== undefined && (blkioWeight < 10 || blkioWeight > 1000))
    throw bad(`blkio weight ${blkioWeight} is not from 10 to 1000`);
  const blockIO = {
    ...(blkioWeight !== undefined && { weight: blkioWeight }),
    ...(readBps.length > 0 && { throttleReadBpsDevice: throttle(readBps) }),
    ...(writeBps.length > 0 && { throttleWriteBpsDevice: throttle(writeBps) }),
    ...(readIops.length > 0 && { throttleReadIOPSDevice: throttle(readIops) }),
    ...(writeIops.length > 0 && { throttleWriteIOPSDevice: throttle(writeIops) }),
  };
  return Object.keys(blockIO).length === 0 ? undefined : blockIO;
}

function throttleOf(text: string, device: (path: string) => HostDevice): ThrottleDevice {
  const [, path = '', rate = ''] = /^(\/[^:\0]+):(\d{1,15})$/.exec(text) ?? [];
  if (path === '') throw bad(`limit of a device ${JSON.stringify(text.slice(0, 80))} is not of the form DEVICE:RATE`);
  const { type, major, minor } = device(path);
  if (type !== 'b') throw bad(`${path} is no block device, so its reads and writes can't be limited`);
  return { major, minor, rate: Number(rate) };
}

function atLeast(value: number, least: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw bad(`${what} ${value} is below ${least}`);
}

function bad(message: string): DaemonError {
  return new DaemonError('invalid-argument', message);
}
