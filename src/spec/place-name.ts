import { DaemonError } from '../base/errors.js';
import { hostOf, parseReference, pathOf } from './reference.js';

/** Images on this machine's own disk: an OCI layout as a directory, one as a tar archive, and what `docker save` wrote. */
export type PlaceKind = 'oci' | 'oci-archive' | 'docker-archive';

/** `oci:/path:tag` and its like, taken apart. */
export interface PlaceName {
  readonly kind: PlaceKind;
  /** Absolute. */
  readonly path: string;
  /** Which image there: a tag, `@digest`, or the name in a Docker archive. */
  readonly object: string;
}

const PLACE = /^(oci|oci-archive|docker-archive):(?![0-9])/;

/**
 * The place that a name means; undefined for any other name. A host of such a name with a port, `oci:5000/x`, stays a host.
 *
 * @throws invalid-argument: a place without an absolute path, or without saying which of its images.
 */
export function placeOf(name: string): PlaceName | undefined {
  const [, kind] = PLACE.exec(name) ?? [];
  if (kind === undefined) return undefined;
  if (name[kind.length + 1] !== '/') {
    const example = `${kind}:/path:tag`;
    throw new DaemonError(
      'invalid-argument',
      `image name ${JSON.stringify(name.slice(0, 160))} needs an absolute path, like ${example}`,
    );
  }
  const reference = parseReference(name);
  // A path may have a colon in it no more than in any other reference.
  return { kind: hostOf(reference).slice(0, -1) as PlaceKind, path: `/${pathOf(reference)}`, object: reference.object };
}
