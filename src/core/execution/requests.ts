import { DaemonError, kindOf, messageOf } from '../../base/errors.js';
import { isUnitPath } from '../../spec/runtime-spec-linux.js';
import type { Container } from '../containers/container-store.js';
import type { ExecutionPorts } from './parts.js';
import { runRecordOf } from './run-record.js';
import type { CreateRequest } from './runtime.js';
import { chosenShim } from './shims.js';
import type { TaskDraft } from './tasks.js';

/**
 * The runtime of a task: our monitor with its options, or a shim with options that are its own business. Options of the task replace the
 * container's; they are not merged.
 *
 * @throws unknown: a runtime that is not installed, by its name. invalid-argument: options that are none.
 */
export async function taskRuntime(
  container: Container,
  draft: Pick<TaskDraft, 'options' | 'runtimePath'>,
  { decodeOptions, findShim }: Pick<ExecutionPorts, 'decodeOptions' | 'findShim'>,
): Promise<Pick<CreateRequest, 'options' | 'shim'>> {
  const program = await chosenShim(draft.runtimePath || container.runtime.name, findShim);
  const options = draft.options ?? container.runtime.options;
  if (program !== undefined) return { options: {}, shim: { program, ...(options && { options }) } };
  const decoded = options ? decodeOptions(options) : {};
  return { options: wantsSystemd(container) ? { ...decoded, systemdCgroup: true } : decoded };
}

/** Of our own: clients of containerd's API say it themselves. */
function wantsSystemd(container: Container): boolean {
  if (!container.spec || !runRecordOf(container)) return false;
  const { linux } = parseJson(container.spec.value, 'spec of the container') as SpecFragment;
  return typeof linux?.cgroupsPath === 'string' && isUnitPath(linux.cgroupsPath);
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
  readonly linux?: { readonly namespaces?: SpecNamespace[]; readonly cgroupsPath?: unknown };
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
