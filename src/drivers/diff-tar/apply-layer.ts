import { DaemonError } from '../../base/errors.js';
import { overLimit, type Applied, type ApplyProgress, type ApplyRequest } from '../../core/diff/applier.js';
import { writeInventory } from '../../core/fsck/tree-tasks.js';
import { MergedView } from '../../core/rootfs/merged-view.js';
import { packingOf } from '../../spec/media-types.js';
import { openLayer } from './decompress.js';
import type { LayerStream, UnpackKernel } from './layer-stream.js';
import { LayerWriter } from './layer-writer.js';
import { TarParser } from './tar-parser.js';

/** How the work is watched and stopped while it runs. */
export interface Supervision {
  /** Called after every piece of the stream, of some MiB at most. */
  report(progress: ApplyProgress): void;
  /** Throws when the work is to stop. */
  check(): void;
}

type LayerRequest = Omit<ApplyRequest, 'onProgress' | 'signal'>;

/**
 * Applies one layer in this thread: unpacks, hashes, parses and writes it piece by piece.
 *
 * @throws As Applier.apply does.
 */
export async function applyLayer(kernel: UnpackKernel, request: LayerRequest, watch: Supervision): Promise<Applied> {
  if (packingOf(request.mediaType) === undefined) {
    throw new DaemonError(
      'invalid-argument',
      `media type ${request.mediaType} is none of a layer that can be unpacked`,
    );
  }
  using lower = request.lower && new MergedView(kernel.files, request.lower);
  using writer = new LayerWriter(kernel.files, { ...request, lower }, kernel.checksums.crc32);
  const stream = await openLayer(request.blobPath, kernel);
  const parser = new TarParser(writer, request.limits.maxPaxBytes);
  let tarBytes = 0;
  for await (const chunk of stream.chunks) {
    watch.check();
    tarBytes += chunk.length;
    checkBounds(tarBytes, stream, request);
    parser.push(chunk);
    watch.report({ bytes: stream.bytesRead(), entries: writer.entries });
  }
  parser.finish();
  watch.check();
  const { usage, deferred } = writer.finish();
  if (request.inventory !== undefined) {
    const { file, checksums } = request.inventory;
    const tree = { files: kernel.files, directory: request.directory, check: () => watch.check() };
    if (deferred.length > 0) writer.checksums.save(checksums);
    else writeInventory(tree, file, writer.checksums);
  }
  return { diffId: stream.diffId(), tarBytes, entries: writer.entries, usage, deferred };
}

function checkBounds(tarBytes: number, stream: LayerStream, { limits }: LayerRequest): void {
  if (tarBytes > limits.maxBytes) {
    throw overLimit('maxBytes', `layer: over the limit of ${limits.maxBytes} uncompressed bytes`);
  }
  if (tarBytes > limits.ratioFloorBytes && tarBytes > stream.bytesRead() * limits.maxRatio) {
    throw overLimit('maxRatio', `layer: unpacks to over ${limits.maxRatio} times its size, which is the limit`);
  }
}
