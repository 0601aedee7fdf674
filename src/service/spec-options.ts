import type { Incoming } from '../rpc/handlers.js';
import { toSafeNumber } from '../rpc/int64.js';
import { NO_SPEC_OPTIONS, type IdMapping, type ResourceOptions, type SpecOptions } from '../spec/spec-options.js';

/** What a request says of its container's spec. */
export function fromWireSpecOptions(wire: Incoming<'wharfd.services.execution.v1.SpecOptions'> | null): SpecOptions {
  if (!wire) return NO_SPEC_OPTIONS;
  const { seccomp, apparmor, privileged, devices, ulimits, sysctls, namespaces, annotations, groups, init } = wire;
  return {
    ...{ seccomp, apparmor, privileged, devices, ulimits, sysctls, namespaces, annotations, groups, init },
    ...{ capAdd: wire.cap_add, capDrop: wire.cap_drop, cgroupParent: wire.cgroup_parent, cdiDevices: wire.cdi_devices },
    allowNewPrivileges: wire.allow_new_privileges,
    resources: fromWireResources(wire.resources),
    uidMappings: wire.uid_mappings.map(fromWireMapping),
    gidMappings: wire.gid_mappings.map(fromWireMapping),
    ...(wire.oom_score_adj !== undefined && { oomScoreAdj: wire.oom_score_adj }),
  };
}

function fromWireMapping(wire: Incoming<'wharfd.services.execution.v1.IdMapping'>): IdMapping {
  return { containerId: wire.container_id, hostId: wire.host_id, size: wire.size };
}

/** Limits; none when there is no message. */
export function fromWireResources(wire: Incoming<'wharfd.services.execution.v1.Resources'> | null): ResourceOptions {
  if (!wire) return NO_SPEC_OPTIONS.resources;
  const { memory, pids } = wire;
  const [memorySwap, memoryReservation] = [wire.memory_swap, wire.memory_reservation];
  const [cpuShares, cpuQuota, cpuPeriod, blkioWeight] = [
    wire.cpu_shares,
    wire.cpu_quota,
    wire.cpu_period,
    wire.blkio_weight,
  ];
  return {
    ...numbers({ memory, memorySwap, memoryReservation, cpuShares, cpuQuota, cpuPeriod, pids }),
    ...(blkioWeight !== undefined && { blkioWeight }),
    ...{ cpusetCpus: wire.cpuset_cpus, cpusetMems: wire.cpuset_mems },
    ...{ readBps: wire.read_bps, writeBps: wire.write_bps, readIops: wire.read_iops, writeIops: wire.write_iops },
  };
}

/** The 64-bit fields that are there. */
function numbers<Name extends string>(
  fields: Readonly<Record<Name, string | undefined>>,
): Partial<Record<Name, number>> {
  const there = Object.entries<string | undefined>(fields).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, toSafeNumber(text)] as const],
  );
  return Object.fromEntries(there) as Partial<Record<Name, number>>;
}
