import type { SeccompRule, SpecSeccomp } from './runtime-spec.js';
import { ALLOWED_CALLS, CALLS_OF_ARCHITECTURE, SECCOMP_ARCHITECTURES } from './seccomp-calls.js';

const EPERM = 1;
const ENOSYS = 38;
/** The flags of clone(2) that make a namespace (linux/sched.h): CGROUP, UTS, IPC, USER, PID, NET, NS. */
const CLONE_NEW_ANY = 0x7e020000;
const AF_ALG = 38;
const AF_VSOCK = 40;
/** Execution domains (linux/personality.h): Linux, a 32-bit uname, a 2.6 version, both, and the question which it is. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** Calls that come with a capability of the bounding set. */
const CALLS_OF_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_SYS_CHROOT: ['chroot'],
};

/**
 * The default profile: what is not allowed answers EPERM. clone3 answers ENOSYS, since a filter cannot look into its flags, so that C
 * libraries fall back to clone.
 *
 * @param architecture Go's name, such as `amd64`. One that the table does not have gets no profile (undefined).
 */
export function defaultSeccomp(architecture: string, bounding: readonly string[]): SpecSeccomp | undefined {
  const architectures = SECCOMP_ARCHITECTURES[architecture];
  if (!architectures) return undefined;
  const names = [...Object.values(ALLOWED_CALLS), CALLS_OF_ARCHITECTURE[architecture] ?? ''].join(' ').split(' ');
  const byCapability = bounding.flatMap((capability) => CALLS_OF_CAPABILITY[capability] ?? []);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures,
    syscalls: [
      { names: [...names.filter((name) => name !== ''), ...byCapability].sort(), action: 'SCMP_ACT_ALLOW' },
      ...socketRules(),
      ...PERSONALITIES.map((value): SeccompRule => allowWhen('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      allowWhen('clone', {
        ...{ index: architecture === 's390x' ? 1 : 0, value: CLONE_NEW_ANY, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
      }),
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}

/** All address families but the kernel's crypto and virtual machine sockets. One condition a rule: runtimes or several of one argument. */
function socketRules(): SeccompRule[] {
  return [
    allowWhen('socket', { index: 0, value: AF_ALG, op: 'SCMP_CMP_LT' }),
    allowWhen('socket', { index: 0, value: AF_ALG + 1, op: 'SCMP_CMP_EQ' }),
    allowWhen('socket', { index: 0, value: AF_VSOCK, op: 'SCMP_CMP_GT' }),
  ];
}

function allowWhen(name: string, argument: NonNullable<SeccompRule['args']>[number]): SeccompRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [argument] };
}
