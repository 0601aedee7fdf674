import { DaemonError } from '../base/errors.js';
import { RUNTIME_NAME } from '../core/execution/parts.js';
import type { Programs } from '../core/kernel/programs.js';
import type { Config } from './config.js';

/**
 * Finds the shim of a runtime: the configured one, or an absolute path, or by containerd's rule: `a.b.name.v2` is
 * `containerd-shim-name-v2`. What our own monitor serves is a shim's only if the configuration says so.
 */
export function shimFinder({ runtime }: Config, programs: Programs): (name: string) => Promise<string | undefined> {
  return async (name) => {
    const configured = runtime.shims[name];
    if (configured !== undefined) {
      if ((await programs.find(configured)) !== undefined) return configured;
      throw new DaemonError(
        'failed-precondition',
        `shim ${configured} of runtime ${name} is not there: install it, or correct runtime.shims of the configuration`,
      );
    }
    if (name.startsWith('/')) return await programs.find(name);
    const [, kind, version] = /^(?:[\w-]+\.)*([\w-]+)\.([\w-]+)$/.exec(name) ?? [];
    if (name === RUNTIME_NAME || kind === undefined || version === undefined) return undefined;
    return await programs.find(`containerd-shim-${kind}-${version}`);
  };
}
