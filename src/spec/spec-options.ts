/** What a container's spec has otherwise than the image and the defaults have it; as wharfd.services.execution.v1.SpecOptions. */
export interface SpecOptions {
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** Empty for the default profile, `unconfined`, or a profile as JSON. */
  readonly seccomp: string;
  readonly apparmor: string;
  readonly privileged: boolean;
  readonly allowNewPrivileges: boolean;
  /** `HOST[:CONTAINER][:rwm]`. */
  readonly devices: readonly string[];
  /** `NAME=SOFT[:HARD]`. */
  readonly ulimits: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly resources: ResourceOptions;
  readonly cgroupParent: string;
  /** By kind: `host`, `private`, `container:ID`, or an absolute path. */
  readonly namespaces: Readonly<Record<string, string>>;
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly oomScoreAdj?: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Further groups of the user, by name or number. */
  readonly groups: readonly string[];
  readonly cdiDevices: readonly string[];
  readonly init: boolean;
}

/** Limits; bytes, and microseconds of processor time. -1 is no limit. */
export interface ResourceOptions {
  readonly memory?: number;
  /** Of memory and swap together. */
  readonly memorySwap?: number;
  readonly memoryReservation?: number;
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly pids?: number;
  readonly blkioWeight?: number;
  /** `DEVICE:RATE` a second. */
  readonly readBps: readonly string[];
  readonly writeBps: readonly string[];
  readonly readIops: readonly string[];
  readonly writeIops: readonly string[];
}

/** A range of ids in a container, and where it lies on the host. */
export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** Everything as image and defaults have it. */
export const NO_SPEC_OPTIONS: SpecOptions = {
  ...{ capAdd: [], capDrop: [], seccomp: '', apparmor: '', privileged: false, allowNewPrivileges: false },
  ...{ devices: [], ulimits: [], sysctls: {}, cgroupParent: '', namespaces: {}, uidMappings: [], gidMappings: [] },
  resources: { cpusetCpus: '', cpusetMems: '', readBps: [], writeBps: [], readIops: [], writeIops: [] },
  ...{ annotations: {}, groups: [], cdiDevices: [], init: false },
};
