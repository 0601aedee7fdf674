import { DaemonError } from '../../../base/errors.js';
import type { Descriptor } from '../../../spec/descriptor.js';
import { kindOfMedia } from '../../../spec/media-types.js';
import { formatPlatform, onlyPlatform, type Platform, type PlatformMatcher } from '../../../spec/platform.js';
import { mapChildren, type Handler } from './handler.js';

/**
 * Leaves of an index the best manifest for each of the platforms, and after them the entries that name no platform.
 *
 * @param platforms None means all entries.
 * @param name Names the image in the error; the index's digest by default.
 * @throws not-found: nothing fits; the message lists what there is.
 */
export function onlyPlatforms(platforms: readonly Platform[], handler: Handler, name?: string): Handler {
  if (platforms.length === 0) return handler;
  return mapChildren(handler, (children, target) =>
    kindOfMedia(target.mediaType) === 'index' ? chooseOf(children, platforms, name ?? target.digest) : children,
  );
}

/** The entry that fits best; of equal ones the first. */
export function bestMatch(entries: readonly Descriptor[], matcher: PlatformMatcher): Descriptor | undefined {
  let best: { readonly entry: Descriptor; readonly distance: number } | undefined;
  for (const entry of entries) {
    const distance = entry.platform && matcher(entry.platform);
    if (distance !== undefined && (best === undefined || distance < best.distance)) best = { entry, distance };
  }
  return best?.entry;
}

function chooseOf(entries: readonly Descriptor[], platforms: readonly Platform[], name: string): Descriptor[] {
  const matches = platforms.flatMap((platform) => bestMatch(entries, onlyPlatform(platform)) ?? []);
  const chosen = [...new Set([...matches, ...entries.filter((entry) => entry.platform === undefined)])];
  if (chosen.length === 0) throw noMatch(entries, platforms, name);
  return chosen;
}

function noMatch(entries: readonly Descriptor[], platforms: readonly Platform[], name: string): DaemonError {
  const wanted = platforms.map(formatPlatform).join(', ');
  const there = [...new Set(entries.flatMap(({ platform }) => platform ?? []).map(formatPlatform))];
  const listed = there.slice(0, 16).join(', ') + (there.length > 16 ? ' …' : '');
  return new DaemonError(
    'not-found',
    `${name}: no match for platform ${wanted}: it is there for ${listed || 'nothing'}; choose with --platform`,
  );
}
