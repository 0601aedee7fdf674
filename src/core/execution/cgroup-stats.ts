/** Counters of one container's cgroup, as a message of the wire: fields by their names in the .proto, 64-bit numbers as decimal text. */
export interface CgroupStats {
  readonly type: 'io.containerd.cgroups.v1.Metrics' | 'io.containerd.cgroups.v2.Metrics';
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Reads what the kernel counts for containers. */
export interface CgroupReader {
  /** @param pid Any process of the container. @returns Undefined when it, or its cgroup, is gone. */
  read(pid: number): Promise<CgroupStats | undefined>;
}

/** The cgroups of the machine. */
export interface Cgroups extends CgroupReader {
  /** Says that a process will soon enter the cgroup of a container, so that the kernel's wait before that begins now. A hint, and cheap. */
  expectMove(): void;
}
