import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonError, isErrno, messageOf } from '../../base/errors.js';
import type { SpecMount } from '../../spec/runtime-spec.js';

type Json = Readonly<Record<string, unknown>>;

/** What devices of the Container Device Interface add to a container. */
export interface CdiEdits {
  readonly env: readonly string[];
  /** `HOST:CONTAINER:ACCESS`. */
  readonly devices: readonly string[];
  readonly mounts: readonly SpecMount[];
}

/** Where vendors describe their devices; later ones are looked at first. */
export const CDI_DIRS: readonly string[] = ['/etc/cdi', '/var/run/cdi'];

/**
 * The edits that devices stand for (CDI specification 0.5 on: kind, devices, containerEdits), JSON files only.
 *
 * @param names `vendor/class=name`.
 * @throws not-found: a device that no file describes. invalid-argument: a name or a file that is none. unimplemented: edits with hooks.
 */
export function cdiEdits(names: readonly string[], dirs: readonly string[]): CdiEdits {
  if (names.length === 0) return { env: [], devices: [], mounts: [] };
  const specs = dirs.toReversed().flatMap(specsIn);
  const edits = names.flatMap((name) => editsOf(name, specs, dirs));
  return {
    env: edits.flatMap((edit) => textsOf(edit['env'])),
    devices: edits.flatMap((edit) => objectsOf(edit['deviceNodes']).map(deviceText)),
    mounts: edits.flatMap((edit) => objectsOf(edit['mounts']).map(toMount)),
  };
}

function editsOf(name: string, specs: readonly Json[], dirs: readonly string[]): readonly Json[] {
  const [, kind, device] = /^([A-Za-z0-9.-]+\/[\w.-]+)=([\w.:-]+)$/.exec(name) ?? [];
  if (kind === undefined) {
    throw new DaemonError(
      'invalid-argument',
      `CDI device ${JSON.stringify(name.slice(0, 160))} is not of the form vendor/class=name`,
    );
  }
  for (const spec of specs) {
    const found =
      spec['kind'] === kind ? objectsOf(spec['devices']).find((each) => each['name'] === device) : undefined;
    if (!found) continue;
    const edits = [spec['containerEdits'], found['containerEdits']].filter(isObject);
    if (edits.some((edit) => objectsOf(edit['hooks']).length > 0)) {
      throw new DaemonError(
        'unimplemented',
        `CDI device ${name} has hooks, which are not run: give its devices and mounts by --device and --mount`,
      );
    }
    return edits;
  }
  throw new DaemonError('not-found', `CDI device ${name} is not described by a JSON file in ${dirs.join(' or ')}`);
}

function specsIn(dir: string): Json[] {
  return namesIn(dir)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const path = join(dir, name);
      try {
        return JSON.parse(readFileSync(path, 'utf8')) as unknown;
      } catch (cause) {
        throw new DaemonError('invalid-argument', `CDI file ${path}: ${messageOf(cause)}`, { cause });
      }
    })
    .filter(isObject);
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return [];
    throw cause;
  }
}

function deviceText(node: Json): string {
  const { path, hostPath = path, permissions = 'rwm' } = node;
  return `${String(hostPath)}:${String(path)}:${String(permissions)}`;
}

function toMount({ hostPath, containerPath, options }: Json): SpecMount {
  return { destination: String(containerPath), type: 'bind', source: String(hostPath), options: textsOf(options) };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

function objectsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
