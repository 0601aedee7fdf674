import { DaemonError } from '../base/errors.js';
import { DEFAULT_CAPABILITIES } from './runtime-spec-defaults.js';
import type { SpecOptions } from './spec-options.js';

/** By their numbers (linux/capability.h). */
export const CAPABILITIES: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/** The capabilities of a mask, as /proc/PID/status has it in hex. */
export function capabilitiesOfMask(hex: string): string[] {
  const mask = BigInt(`0x${hex}`);
  return CAPABILITIES.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/**
 * The bounding set that the caller's wishes give.
 *
 * @param held What the daemon itself may hand on.
 * @throws invalid-argument: a name that is none. failed-precondition: one added by name that the daemon does not hold.
 */
export function boundingSet(
  options: Pick<SpecOptions, 'capAdd' | 'capDrop' | 'privileged'>,
  held: readonly string[],
): readonly string[] {
  const add = options.capAdd.map(capabilityName);
  const drop = options.capDrop.map(capabilityName);
  const base = options.privileged || add.includes('ALL') ? held : drop.includes('ALL') ? [] : DEFAULT_CAPABILITIES;
  const wanted = new Set([...base, ...add.filter((name) => name !== 'ALL')]);
  for (const name of drop) wanted.delete(name);
  const missing = add.find((name) => name !== 'ALL' && !held.includes(name));
  if (missing !== undefined) {
    throw new DaemonError(
      'failed-precondition',
      `capability ${missing} can't be given: the daemon does not hold it itself; leave it out, or start the daemon with it`,
    );
  }
  return [...wanted].sort();
}

function capabilityName(text: string): string {
  const upper = text.toUpperCase();
  const name = upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (name === 'ALL' || CAPABILITIES.includes(name)) return name;
  throw new DaemonError(
    'invalid-argument',
    `capability ${JSON.stringify(text.slice(0, 64))} is none; see capabilities(7)`,
  );
}
