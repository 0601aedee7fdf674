import type { Incoming } from '../rpc/handlers.js';
import { toBigInt, toSafeNumber } from '../rpc/int64.js';
import { typeNameOf, type WireAny } from '../rpc/messages.js';
import { dateOfTimestamp } from '../rpc/time.js';
import type { Session } from './session.js';

/** What the kernel has counted for a running container so far. Limits are undefined where there are none. */
export interface ContainerStats {
  readonly id: string;
  readonly at: Date;
  readonly cpuNs: bigint;
  /** In use, without the part of the page cache that the kernel can drop at once. */
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number | undefined;
  readonly pids: number;
  readonly pidsLimit: number | undefined;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

type Counters = Omit<ContainerStats, 'id' | 'at'>;

/** The kernel's "no limit" for memory in cgroup v1, whatever the size of a page; v2's is the largest number there is. */
const UNLIMITED_BYTES = 2n ** 62n;

/** Counters of the running containers, or of those with the ids; without those that have ended. */
export async function containerStats(
  session: Session,
  ids: readonly string[] = [],
  signal?: AbortSignal,
): Promise<readonly ContainerStats[]> {
  const service = session.service('containerd.services.tasks.v1.Tasks');
  const filters = ids.map((id) => `id==${JSON.stringify(id)}`);
  const { metrics } = await service.metrics({ filters }, signal ? { signal } : {});
  return metrics.flatMap(({ id, timestamp, data }) => {
    const counters = data && countersOf(session, data);
    return counters ? [{ id, at: (timestamp && dateOfTimestamp(timestamp)) ?? new Date(), ...counters }] : [];
  });
}

function countersOf({ messages }: Session, data: WireAny): Counters | undefined {
  switch (typeNameOf(data.type_url)) {
    case 'io.containerd.cgroups.v1.Metrics':
      return countersOfV1(messages.unpack('io.containerd.cgroups.v1.Metrics', data));
    case 'io.containerd.cgroups.v2.Metrics':
      return countersOfV2(messages.unpack('io.containerd.cgroups.v2.Metrics', data));
    default:
      return undefined; // of a runtime that counts otherwise
  }
}

function countersOfV1(metrics: Incoming<'io.containerd.cgroups.v1.Metrics'>): Counters {
  const { cpu, memory, pids } = metrics;
  const usage = memory?.usage;
  const blocks = metrics.blkio?.io_service_bytes_recursive ?? [];
  const moved = (op: string) => sum(blocks.filter((entry) => entry.op === op).map(({ value }) => value));
  return {
    cpuNs: toBigInt(cpu?.usage?.total ?? '0'),
    memoryBytes: difference(usage?.usage, memory?.total_inactive_file),
    memoryLimitBytes: limitOf(usage?.limit),
    ...pidsOf(pids),
    readBytes: moved('Read'),
    writtenBytes: moved('Write'),
  };
}

function countersOfV2({ cpu, memory, pids, io }: Incoming<'io.containerd.cgroups.v2.Metrics'>): Counters {
  const usage = io?.usage ?? [];
  return {
    cpuNs: toBigInt(cpu?.usage_usec ?? '0') * 1000n,
    memoryBytes: difference(memory?.usage, memory?.inactive_file),
    memoryLimitBytes: limitOf(memory?.usage_limit),
    ...pidsOf(pids),
    readBytes: sum(usage.map(({ rbytes }) => rbytes)),
    writtenBytes: sum(usage.map(({ wbytes }) => wbytes)),
  };
}

function pidsOf(
  pids: { readonly current: string; readonly limit: string } | null,
): Pick<Counters, 'pids' | 'pidsLimit'> {
  return { pids: toSafeNumber(pids?.current ?? '0'), pidsLimit: limitOf(pids?.limit) };
}

function difference(whole = '0', part = '0'): number {
  const left = toBigInt(whole) - toBigInt(part);
  return left > 0n ? Number(left) : 0;
}

function limitOf(limit = '0'): number | undefined {
  const value = toBigInt(limit);
  return value === 0n || value >= UNLIMITED_BYTES ? undefined : Number(value);
}

function sum(values: readonly string[]): number {
  return Number(values.reduce((total, value) => total + toBigInt(value), 0n));
}
