import { existsSync, readFileSync } from 'node:fs';
import { platformOfNode } from '../../spec/platform.js';
import type { CgroupDriver } from '../../spec/runtime-spec-linux.js';
import type { HostFacts } from '../../spec/runtime-spec-builder.js';
import { capabilitiesOfMask } from '../../spec/spec-capabilities.js';
import { RLIMIT_ROWS, UNLIMITED } from '../../spec/spec-limits.js';
import type { CgroupFacts } from '../../spec/spec-resources.js';

/**
 * Looks at the machine, and at what this process may do on it, once at the daemon's start.
 *
 * @param init Absolute path of wharfd-init.
 * @param cgroupDriver By the settings.
 */
export function readHostFacts(
  init: string,
  cgroupDriver: CgroupDriver = 'cgroupfs',
): HostFacts & { readonly bootId: string } {
  const status = read('/proc/self/status');
  const capabilities = capabilitiesOfMask(/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0');
  return {
    architecture: platformOfNode(process.arch).architecture,
    cgroupDriver,
    cgroups: cgroupFacts(read('/proc/self/mountinfo')),
    capabilities,
    limits: { hard: hardLimits(read('/proc/self/limits')), mayRaise: capabilities.includes('CAP_SYS_RESOURCE') },
    oomScoreAdj: Number(read('/proc/self/oom_score_adj')),
    apparmor: existsSync('/sys/module/apparmor') && read('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    networkFiles: ['/etc/hosts', '/etc/resolv.conf'].filter((path) => existsSync(path)),
    init,
    bootId: read('/proc/sys/kernel/random/boot_id').trim(),
  };
}

/** Rows of /proc/self/limits: name, soft limit, hard limit, unit. */
function hardLimits(limits: string): Record<string, number> {
  const rows = limits.split('\n');
  return Object.fromEntries(
    Object.entries(RLIMIT_ROWS).map(([name, title]) => {
      const hard = rows
        .find((row) => row.startsWith(title))
        ?.slice(title.length)
        .trim()
        .split(/\s+/)[1];
      return [name, hard === undefined || hard === 'unlimited' ? UNLIMITED : Number(hard)];
    }),
  );
}

/** Which cgroup controllers are mounted, by /proc/self/mountinfo. A hybrid host is of version 1. */
function cgroupFacts(mountInfo: string): CgroupFacts {
  const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  if (v2) {
    const names = read('/sys/fs/cgroup/cgroup.controllers').trim().split(' ');
    return { v2, controllers: new Set(names.map((name) => (name === 'io' ? 'blkio' : name))) };
  }
  const rows = mountInfo.split('\n').filter((row) => row.includes(' - cgroup '));
  return { v2, controllers: new Set(rows.flatMap((row) => row.split(' ').at(-1)?.split(',') ?? [])) };
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}
