import { DaemonError } from '../../base/errors.js';
import { RUNTIME_NAME } from './parts.js';
import type { ProcessKey, Runtime } from './runtime.js';

/** Absolute path of the shim that serves a runtime name or path; undefined when there is none, and for what our own monitor serves. */
type FindShim = (runtime: string) => Promise<string | undefined>;

/** A runtime that knows which containers are its own. */
export interface ShimsRuntime extends Runtime {
  owns(key: ProcessKey): boolean;
}

/**
 * The shim for a runtime; undefined for our own monitor. A foreign shim is never served by our monitor under its name.
 *
 * @throws unknown: no such shim is installed, by its name.
 */
export async function chosenShim(name: string, find: FindShim | undefined): Promise<string | undefined> {
  const program = await find?.(name);
  if (program !== undefined || name === RUNTIME_NAME) return program;
  const shim = name.startsWith('/') ? name : `containerd-shim-${name.split('.').slice(-2).join('-')}`;
  throw new DaemonError(
    'unknown',
    `failed to start shim: failed to resolve runtime path: runtime ${JSON.stringify(name)} binary not installed ` +
      `${JSON.stringify(shim)}: file does not exist`,
  );
}

/** Our own runtime, and beside it those of shims: a container stays with what made it. */
export function withShims(own: Runtime, shims: ShimsRuntime): Runtime {
  const of = (key: ProcessKey): Runtime => (shims.owns(key) ? shims : own);
  return {
    create: (request, signal) => (request.shim ? shims : own).create(request, signal),
    start: async (key, signal) => await of(key).start(key, signal),
    exec: async (request, signal) => await of(request).exec(request, signal),
    kill: async (key, signal, all) => await of(key).kill(key, signal, all),
    pause: async (key) => await of(key).pause(key),
    resume: async (key) => await of(key).resume(key),
    pids: async (key) => await of(key).pids(key),
    update: async (key, resources) => await of(key).update(key, resources),
    delete: async (key) => await of(key).delete(key),
    recover: async (key) => await of(key).recover(key),
    // Bundles of shims lie beside ours.
    inventory: () => own.inventory(),
    features: () => own.features(),
  };
}
