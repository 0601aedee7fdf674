import { DaemonError } from '../base/errors.js';
import type { Labels } from './labels.js';

/** One map of an object, such as its labels, before an update and as the caller gives it. */
export interface MapUpdate {
  /** The map's name in field paths: `labels`, `annotations`. */
  readonly field: string;
  readonly current: Labels | undefined;
  readonly given: Labels | undefined;
}

/**
 * The map after the part of an update that `path` names: `labels` replaces it, `labels.<key>` sets one entry, or removes it where an empty or
 * no value is given. Keys may hold dots.
 *
 * @returns undefined where the path is not about this map.
 */
export function updateMap(path: string, { field, current, given }: MapUpdate): Labels | undefined {
  if (path === field) return given ?? {};
  if (!path.startsWith(`${field}.`)) return undefined;
  const key = path.slice(field.length + 1);
  const value = given !== undefined && Object.hasOwn(given, key) ? given[key] : undefined;
  const rest = Object.entries(current ?? {}).filter(([other]) => other !== key);
  return Object.fromEntries(value === undefined || value === '' ? rest : [...rest, [key, value]]);
}

/**
 * Labels after an update by field paths; all of them are replaced without paths.
 *
 * @param what The object, for the error: `content info "sha256:…"`.
 * @throws invalid-argument: a path that is not about labels.
 */
export function updateLabels(
  what: string,
  update: { readonly current: Labels; readonly given: Labels },
  paths: readonly string[] = [],
): Labels {
  let labels = paths.length === 0 ? update.given : update.current;
  for (const path of paths) {
    const updated = updateMap(path, { field: 'labels', current: labels, given: update.given });
    if (updated === undefined) throw wrongPath(path, what);
    labels = updated;
  }
  return labels;
}

/** The error for a field path that an update of `what` does not know. */
export function wrongPath(path: string, what: string): DaemonError {
  return new DaemonError(
    'invalid-argument',
    `cannot update ${JSON.stringify(path)} field on ${what}: invalid argument`,
  );
}
