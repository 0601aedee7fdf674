/** Type URL of an OCI runtime spec inside an Any, as containerd names it; its value is JSON. */
export const SPEC_TYPE_URL = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';

/** Values of the OCI runtime specification 1.0 (config.md, config-linux.md), as far as we write them. */
export interface RuntimeSpec {
  readonly ociVersion: string;
  readonly process: SpecProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  /** Absent where the host's, or another container's, is shared. */
  readonly hostname?: string;
  readonly mounts: readonly SpecMount[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: SpecLinux;
}

export interface SpecProcess {
  readonly terminal: boolean;
  readonly user: SpecUser;
  readonly args: readonly string[];
  /** `KEY=VALUE`, each key once. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: SpecCapabilities;
  readonly rlimits: readonly SpecRlimit[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
}

export interface SpecUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
}

export interface SpecCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

export interface SpecRlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface SpecMount {
  /** Absolute path in the container; the runtime resolves it inside of the rootfs. */
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export type NamespaceType = 'pid' | 'ipc' | 'uts' | 'mount' | 'network' | 'cgroup' | 'user';

export interface SpecLinux {
  readonly namespaces: readonly { readonly type: NamespaceType; readonly path?: string }[];
  readonly cgroupsPath: string;
  readonly resources: SpecResources;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly devices?: readonly SpecDevice[];
  readonly uidMappings?: readonly SpecIdMapping[];
  readonly gidMappings?: readonly SpecIdMapping[];
  /** As written by us, or as the caller gave it. */
  readonly seccomp?: SpecSeccomp | Readonly<Record<string, unknown>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

export interface SpecIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface SpecDevice {
  readonly path: string;
  readonly type: 'c' | 'b' | 'p';
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: 'c' | 'b';
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

export interface ThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface SpecResources {
  readonly devices: readonly DeviceRule[];
  readonly pids: { readonly limit: number };
  readonly memory?: { readonly limit?: number; readonly swap?: number; readonly reservation?: number } | undefined;
  readonly cpu?:
    | {
        readonly shares?: number;
        readonly quota?: number;
        readonly period?: number;
        readonly cpus?: string;
        readonly mems?: string;
      }
    | undefined;
  readonly blockIO?:
    | {
        readonly weight?: number;
        readonly throttleReadBpsDevice?: readonly ThrottleDevice[];
        readonly throttleWriteBpsDevice?: readonly ThrottleDevice[];
        readonly throttleReadIOPSDevice?: readonly ThrottleDevice[];
        readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[];
      }
    | undefined;
}

export interface SpecSeccomp {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  /** What a refused call answers; 1 is EPERM. */
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[];
}

export interface SeccompArgument {
  readonly index: number;
  readonly value: number;
  /** With SCMP_CMP_MASKED_EQ: `value` is the mask. */
  readonly valueTwo?: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ' | 'SCMP_CMP_LT' | 'SCMP_CMP_GT';
}
