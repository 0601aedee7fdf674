import { existsSync, readFileSync } from 'node:fs';
import { platformOfNode } from '../../spec/platform.js';
import { NOFILE } from '../../spec/runtime-spec-defaults.js';
import type { HostFacts } from '../../spec/runtime-spec-builder.js';

/** Looks at the machine, once at the daemon's start. */
export function readHostFacts(): HostFacts & { readonly bootId: string } {
  return {
    architecture: platformOfNode(process.arch).architecture,
    cgroupV2: existsSync('/sys/fs/cgroup/cgroup.controllers'),
    nofileHard: hardLimit(readFileSync('/proc/self/limits', 'utf8'), 'Max open files'),
    networkFiles: ['/etc/hosts', '/etc/resolv.conf'].filter((path) => existsSync(path)),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}

/** A row of /proc/self/limits: name, soft limit, hard limit, unit. */
function hardLimit(limits: string, name: string): number {
  const row = limits.split('\n').find((line) => line.startsWith(name));
  const hard = row?.slice(name.length).trim().split(/\s+/)[1];
  return hard === undefined || hard === 'unlimited' ? NOFILE.hardMax : Number(hard);
}
