import { DaemonError, messageOf } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { parseManifest } from '../../spec/manifest.js';
import { readVerified } from '../content/verified.js';
import type { Resolved } from '../remotes/remotes.js';

/** What signatures are pushed as (sigstore bundle format 0.3). */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** Looked at for one image. */
const BUNDLES_MAX = 64;
const MANIFEST_BYTES_MAX = 256 * 1024;
const BUNDLE_BYTES_MAX = 1024 * 1024;

export interface Bundle {
  /** Of the manifest that brings it. */
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/**
 * The signatures that a registry lists for an image, one after another; nothing of them is trusted.
 *
 * @param refusals Gets a line for each that can't be had.
 * @throws What listing them throws.
 */
export async function* bundlesOf(
  resolved: Resolved,
  refusals: string[],
  signal: AbortSignal,
): AsyncGenerator<Bundle, void> {
  const found = await resolved.referrers({ artifactType: BUNDLE_TYPE, signal });
  for (const descriptor of found.slice(0, BUNDLES_MAX)) {
    let bytes: Buffer;
    try {
      bytes = await readBundle(resolved, descriptor, signal);
    } catch (error) {
      signal.throwIfAborted();
      refusals.push(`${descriptor.digest.slice(0, 19)}: ${messageOf(error)}`);
      continue;
    }
    yield { digest: descriptor.digest, bytes };
  }
  if (found.length > BUNDLES_MAX)
    refusals.push(`${found.length - BUNDLES_MAX} beyond the first ${BUNDLES_MAX} left out`);
}

async function readBundle({ fetcher }: Resolved, descriptor: Descriptor, signal: AbortSignal): Promise<Buffer> {
  const read = (target: Descriptor, max: number): Promise<Buffer> =>
    readVerified(fetcher.fetch(target, { signal }), target, max);
  const manifest = await read(descriptor, MANIFEST_BYTES_MAX);
  const { layers } = parseManifest(manifest, descriptor.mediaType, descriptor.digest);
  const layer = layers.find(({ mediaType }) => mediaType === BUNDLE_TYPE);
  if (layer === undefined) throw new DaemonError('invalid-argument', `has no layer of the type ${BUNDLE_TYPE}`);
  return read(layer, BUNDLE_BYTES_MAX);
}
