import { DaemonError, kindOf, messageOf } from '../../base/errors.js';
import type { Container } from '../containers/container-store.js';
import type { OpaqueAny } from '../events/journal.js';
import { RUNTIME_NAME } from './parts.js';
import type { RuntimeOptions } from './runtime.js';
import type { TaskDraft } from './tasks.js';

/**
 * The runtime options of a task: its own, or else the container's; they are not merged.
 *
 * @throws unknown: a runtime that is not ours, by its name. invalid-argument: options that are none.
 */
export function taskOptions(
  container: Container,
  draft: Pick<TaskDraft, 'options' | 'runtimePath'>,
  decode: (options: OpaqueAny) => RuntimeOptions,
): RuntimeOptions {
  checkRuntime(draft.runtimePath || container.runtime.name);
  const options = draft.options ?? container.runtime.options;
  return options ? decode(options) : {};
}

/** @throws unknown: a runtime name or path that is not ours; a foreign shim is never served by our monitor under its name. */
export function checkRuntime(name: string): void {
  if (name === RUNTIME_NAME) return;
  const shim = name.startsWith('/') ? name : `containerd-shim-${name.split('.').slice(-2).join('-')}`;
  throw new DaemonError(
    'unknown',
    `failed to start shim: failed to resolve runtime path: runtime ${JSON.stringify(name)} binary not installed ` +
      `${JSON.stringify(shim)}: file does not exist`,
  );
}

/** The error of a creation in the form that clients parse. */
export function createError(cause: unknown): unknown {
  const message = messageOf(cause);
  if (!message.startsWith('OCI runtime create failed')) return cause;
  return new DaemonError(kindOf(cause), `failed to create shim task: ${message}`, { cause });
}

interface SpecNamespace {
  readonly type?: unknown;
  readonly path?: unknown;
}

interface SpecFragment {
  readonly linux?: { readonly namespaces?: SpecNamespace[] };
}

/** Whether a container's processes can outlive its init: its spec gives it no pid namespace of its own. */
export function sharesPids(spec: Uint8Array): boolean {
  const { linux } = parseJson(spec, 'spec of the container') as SpecFragment;
  const { namespaces = [] } = linux ?? {};
  if (!Array.isArray(namespaces)) return true;
  const pid = namespaces.find((namespace) => namespace.type === 'pid');
  return pid === undefined || Boolean(pid.path);
}

/** The arguments of an OCI process. @throws invalid-argument: it is no JSON, or has no args. */
export function argsOf(process: Uint8Array): readonly string[] {
  const { args } = parseJson(process, 'process of the exec') as { readonly args?: unknown };
  if (Array.isArray(args) && args.length > 0 && args.every((arg) => typeof arg === 'string')) return args;
  throw new DaemonError('invalid-argument', 'process of the exec has no args: name a command');
}

/** A JSON object. @throws invalid-argument: `bytes` are none. */
export function parseJson(bytes: Uint8Array, what: string): object {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new DaemonError('invalid-argument', `${what} is no JSON`, { cause });
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new DaemonError('invalid-argument', `${what} is no JSON object`);
}
