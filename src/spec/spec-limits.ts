import { DaemonError } from '../base/errors.js';
import type { SpecRlimit } from './runtime-spec.js';

/** getrlimit(2)'s names, and the row of /proc/PID/limits that shows each. */
export const RLIMIT_ROWS: Readonly<Record<string, string>> = {
  as: 'Max address space',
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
};

/** RLIM_INFINITY as the runtime spec's 64-bit number; it has no exact form in JavaScript, so it is written by `specJson`. */
export const UNLIMITED = Number.POSITIVE_INFINITY;
const UNLIMITED_JSON = '18446744073709551615';
const UNLIMITED_MARK = '\0unlimited\0';

/** A spec as JSON, with UNLIMITED as the number that the runtime takes for it. */
export function specJson(spec: unknown): string {
  const text = JSON.stringify(spec, (_, value: unknown) => (value === UNLIMITED ? UNLIMITED_MARK : value));
  return text.replaceAll(JSON.stringify(UNLIMITED_MARK), UNLIMITED_JSON);
}

/** What the daemon's own limits are, and whether it may raise them. */
export interface OwnLimits {
  /** Hard limits by getrlimit(2)'s names. */
  readonly hard: Readonly<Record<string, number>>;
  readonly mayRaise: boolean;
}

/**
 * The limits that `NAME=SOFT[:HARD]` ask for, laid over the defaults.
 *
 * @throws invalid-argument: a name or number that is none, or a soft limit above its hard one. failed-precondition: one above the
 *   daemon's own, which it may not raise.
 */
export function rlimitsOf(defaults: readonly SpecRlimit[], wanted: readonly string[], own: OwnLimits): SpecRlimit[] {
  const limits = new Map(defaults.map((limit) => [limit.type, limit]));
  for (const text of wanted) {
    const limit = parseUlimit(text, own);
    limits.set(limit.type, limit);
  }
  return [...limits.values()];
}

function parseUlimit(text: string, own: OwnLimits): SpecRlimit {
  const [, name = '', softText = '', hardText] = /^([a-z]+)=([^:]+)(?::([^:]+))?$/.exec(text) ?? [];
  if (!Object.hasOwn(RLIMIT_ROWS, name))
    throw badUlimit(text, 'is not of the form NAME=SOFT[:HARD], such as nofile=1024:2048');
  const [soft, hard] = [limitOf(softText, text), limitOf(hardText ?? softText, text)];
  if (soft > hard) throw badUlimit(text, 'has a soft limit above the hard one');
  const most = own.hard[name] ?? UNLIMITED;
  if (hard > most && !own.mayRaise) {
    throw new DaemonError(
      'failed-precondition',
      `ulimit ${text} can't be given: the daemon's own limit is ${most}, and it may not raise it (it has no CAP_SYS_RESOURCE); ` +
        `ask for at most ${most}, or start the daemon with a higher limit`,
    );
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
}

function limitOf(text: string, whole: string): number {
  if (text === '-1' || text === 'unlimited') return UNLIMITED;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (value === undefined) throw badUlimit(whole, `has ${JSON.stringify(text.slice(0, 40))}, which is no limit`);
  return value;
}

function badUlimit(text: string, why: string): DaemonError {
  return new DaemonError('invalid-argument', `ulimit ${JSON.stringify(text.slice(0, 80))} ${why}`);
}

/** Kernel settings that belong to a namespace, by the kind of it. */
const SYSCTLS: readonly { readonly pattern: RegExp; readonly namespace: 'ipc' | 'network' | 'uts' }[] = [
  { pattern: /^kernel\.(?:msg(?:max|mnb|mni)|sem|shm(?:all|max|mni|_rmid_forced))$/, namespace: 'ipc' },
  { pattern: /^fs\.mqueue\.[a-z_]+$/, namespace: 'ipc' },
  { pattern: /^net\.[a-z0-9_]+(?:[./][A-Za-z0-9_-]+)+$/, namespace: 'network' },
  { pattern: /^kernel\.domainname$/, namespace: 'uts' },
];
/** Numbers, words and their lists: nothing that any parser takes for more (CVE-2022-0811). */
const SYSCTL_VALUE = /^[A-Za-z0-9][A-Za-z0-9 \t._,:-]{0,255}$/;

/**
 * Sysctls that a container may set: those of its own namespaces.
 *
 * @param own Kinds of namespaces that the container has to itself.
 * @throws invalid-argument: another one, one of a shared namespace, or a value with other characters than numbers and words have.
 */
export function checkSysctls(
  sysctls: Readonly<Record<string, string>>,
  own: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(sysctls)) {
    const shown = JSON.stringify(name.slice(0, 80));
    const row = SYSCTLS.find(({ pattern }) => pattern.test(name));
    if (!row)
      throw new DaemonError(
        'invalid-argument',
        `sysctl ${shown} belongs to no namespace of a container, but to the host`,
      );
    if (!own.has(row.namespace)) {
      throw new DaemonError(
        'invalid-argument',
        `sysctl ${shown} is shared with others: the container has no ${row.namespace} namespace of its own`,
      );
    }
    if (!SYSCTL_VALUE.test(value))
      throw new DaemonError(
        'invalid-argument',
        `sysctl ${shown} has the value ${JSON.stringify(value.slice(0, 80))}, which none may have`,
      );
  }
  return sysctls;
}

/** @throws invalid-argument: not -1000 to 1000. failed-precondition: below the daemon's own, which it may not lower. */
export function checkOomScore(adj: number, own: number, mayLower: boolean): number {
  if (!Number.isInteger(adj) || Math.abs(adj) > 1000) {
    throw new DaemonError('invalid-argument', `oom score ${adj} is not from -1000 to 1000`);
  }
  if (adj >= own || mayLower) return adj;
  throw new DaemonError(
    'failed-precondition',
    `oom score ${adj} can't be given: the daemon's own is ${own}, and it may not go lower (it has no CAP_SYS_RESOURCE); ask for ${own} or more`,
  );
}
