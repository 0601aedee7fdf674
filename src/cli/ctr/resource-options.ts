import { DaemonError } from '../../base/errors.js';
import type { ResourcesRequest } from '../../client/execution.js';
import { list, parseCount, text, type OptionValues } from '../shared/options.js';
import { parseBytes } from '../shared/units.js';

/** Limits of a container, the same for `run` and `update`. */
export const RESOURCE_OPTIONS = {
  memory: text('-m, --memory <bytes>', 'memory limit, such as 512m', parseBytes),
  memorySwap: text('--memory-swap <bytes>', 'memory and swap together; -1 is no limit', parseLimit),
  memoryReservation: text('--memory-reservation <bytes>', 'what it is pressed to when memory is short', parseBytes),
  cpus: text('--cpus <number>', 'processors, such as 1.5', parseCpus),
  cpuShares: text('--cpu-shares <number>', 'weight against other containers', parseCount),
  cpuQuota: text('--cpu-quota <µs>', 'processor time in each period', parseLimit),
  cpuPeriod: text('--cpu-period <µs>', 'length of a period', parseCount),
  cpusetCpus: text('--cpuset-cpus <list>', 'processors that it may use, such as 0-3,7'),
  cpusetMems: text('--cpuset-mems <list>', 'memory nodes that it may use'),
  pidsLimit: text('--pids-limit <number>', 'processes and threads; -1 is no limit', parseLimit),
  blkioWeight: text('--blkio-weight <number>', '10 to 1000', parseCount),
};

/** Limits that a container has from its beginning. */
export const DEVICE_RATE_OPTIONS = {
  readBps: list('--device-read-bps <device:bytes>', 'bytes read a second'),
  writeBps: list('--device-write-bps <device:bytes>', 'bytes written a second'),
  readIops: list('--device-read-iops <device:number>', 'reads a second'),
  writeIops: list('--device-write-iops <device:number>', 'writes a second'),
};

type Values = OptionValues<typeof RESOURCE_OPTIONS> & Partial<OptionValues<typeof DEVICE_RATE_OPTIONS>>;
const PERIOD_US = 100_000;

/** The limits as the daemon is told them. */
export function resourcesOf(values: Values): ResourcesRequest {
  const { memory, memorySwap, memoryReservation, cpuShares, blkioWeight, pidsLimit } = values;
  const { quota, period } = cpuTimeOf(values);
  return {
    ...texts({ memory, memory_swap: memorySwap, memory_reservation: memoryReservation, pids: pidsLimit }),
    ...texts({ cpu_shares: cpuShares, cpu_quota: quota, cpu_period: period }),
    ...(blkioWeight !== undefined && { blkio_weight: blkioWeight }),
    ...{ cpuset_cpus: values.cpusetCpus ?? '', cpuset_mems: values.cpusetMems ?? '' },
    ...ratesOf(values),
  };
}

function cpuTimeOf({ cpus, cpuQuota, cpuPeriod }: Values) {
  if (cpus === undefined) return { quota: cpuQuota, period: cpuPeriod };
  if (cpuQuota === undefined && cpuPeriod === undefined)
    return { quota: Math.round(cpus * PERIOD_US), period: PERIOD_US };
  throw new DaemonError('invalid-argument', '--cpus says what --cpu-quota and --cpu-period say: give one or the other');
}

function ratesOf({ readBps = [], writeBps = [], readIops = [], writeIops = [] }: Values) {
  const [read_bps, write_bps] = [readBps.map(rateInBytes), writeBps.map(rateInBytes)];
  return { read_bps, write_bps, read_iops: [...readIops], write_iops: [...writeIops] };
}

function texts(fields: Readonly<Record<string, number | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function rateInBytes(text: string): string {
  const at = text.lastIndexOf(':');
  return at < 0 ? text : `${text.slice(0, at)}:${parseBytes(text.slice(at + 1))}`;
}

function parseLimit(text: string): number {
  return text === '-1' ? -1 : parseBytes(text);
}

function parseCpus(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value >= 0.01) return value;
  throw new DaemonError(
    'invalid-argument',
    `--cpus ${JSON.stringify(text)} is no number of processors from 0.01 on, such as 1.5`,
  );
}
