import { DaemonError } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';

/**
 * Compares what a layer has unpacked to with what the image promises.
 *
 * @param layer Digest of the packed layer.
 * @throws data-loss: they differ.
 */
export function checkDiffId(layer: Digest, diffId: Digest, promised: Digest): void {
  if (diffId === promised) return;
  throw new DaemonError(
    'data-loss',
    `layer ${layer} unpacks to ${diffId}, yet the image's config says ${promised}: the image is broken or forged`,
  );
}
