import { DaemonError } from '../base/errors.js';

type Json = Readonly<Record<string, unknown>>;

/** Where a profile is to hold: Go's name of the architecture, and the bounding set. */
export interface SeccompPlace {
  readonly architecture: string;
  readonly bounding: readonly string[];
}

/** linux/seccomp architectures of libseccomp by Go's names, as Docker's profiles name them in `includes` and `excludes`. */
const MAIN_ARCHITECTURE: Readonly<Record<string, string>> = {
  ...{ amd64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64', arm: 'SCMP_ARCH_ARM', '386': 'SCMP_ARCH_X86' },
  ...{ ppc64le: 'SCMP_ARCH_PPC64LE', s390x: 'SCMP_ARCH_S390X', riscv64: 'SCMP_ARCH_RISCV64' },
};

/**
 * A caller's own profile: linux.seccomp of the OCI runtime spec as it is, or Docker's form of it (archMap; rules with `name`, `includes`,
 * `excludes`), of which what holds at this place is taken.
 *
 * @throws invalid-argument: no JSON object with a defaultAction.
 */
export function parseSeccompProfile(text: string, place: SeccompPlace): Json {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (cause) {
    throw new DaemonError('invalid-argument', 'the seccomp profile is no JSON', { cause });
  }
  if (
    !isObject(profile) ||
    typeof profile['defaultAction'] !== 'string' ||
    !profile['defaultAction'].startsWith('SCMP_ACT_')
  ) {
    throw new DaemonError('invalid-argument', 'the seccomp profile has no defaultAction, such as SCMP_ACT_ERRNO');
  }
  const { archMap, syscalls = [], ...rest } = profile;
  if (!Array.isArray(syscalls) || !syscalls.every(isObject)) {
    throw new DaemonError('invalid-argument', 'the seccomp profile has syscalls that are no list of rules');
  }
  const architectures = architecturesOf(archMap, place);
  return {
    ...rest,
    ...(architectures && { architectures }),
    syscalls: syscalls.filter((rule) => holds(rule, place)).map(plainRule),
  };
}

function architecturesOf(archMap: unknown, { architecture }: SeccompPlace): readonly unknown[] | undefined {
  if (!Array.isArray(archMap)) return undefined;
  const main = MAIN_ARCHITECTURE[architecture];
  const row = (archMap as readonly unknown[]).filter(isObject).find((each) => each['architecture'] === main);
  if (!row) return main === undefined ? undefined : [main];
  const below = row['subArchitectures'];
  return [row['architecture'], ...(Array.isArray(below) ? (below as readonly unknown[]) : [])];
}

function holds(rule: Json, { architecture, bounding }: SeccompPlace): boolean {
  const { includes, excludes } = rule;
  if (isObject(includes)) {
    const [caps, arches] = [textsOf(includes['caps']), textsOf(includes['arches'])];
    if (!caps.every((name) => bounding.includes(name))) return false;
    if (arches.length > 0 && !arches.includes(architecture)) return false;
  }
  if (!isObject(excludes)) return true;
  const [caps, arches] = [textsOf(excludes['caps']), textsOf(excludes['arches'])];
  return !caps.some((name) => bounding.includes(name)) && !arches.includes(architecture);
}

/** A rule without what only Docker's form has. */
function plainRule(rule: Json): Json {
  const { name, names, includes: _includes, excludes: _excludes, comment: _comment, args, ...rest } = rule;
  return {
    ...rest,
    names: [...textsOf(names), ...(typeof name === 'string' && name !== '' ? [name] : [])],
    ...(Array.isArray(args) && args.length > 0 && { args: args as readonly unknown[] }),
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
