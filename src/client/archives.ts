import type { Platform } from '../spec/platform.js';
import { openByteStream } from './byte-stream.js';
import { HOST_PLATFORM, toWirePlatform } from './platforms.js';
import type { TransferProgress } from './progress-stream.js';
import type { Session } from './session.js';
import { KEEP_NAMES } from '../spec/headers.js';
import { transfer } from './transfer.js';

export interface ImportOptions {
  /** Repository for images that the archive has a tag for, but no whole name; whole names count anyway. */
  readonly prefix?: string | undefined;
  /** Whole names count only if they begin with `prefix`. */
  readonly onlyPrefixed?: boolean | undefined;
  /** Every image gets `prefix@digest` as a name, too; `unnamed`: only those that have no other. */
  readonly digests?: boolean | 'unnamed' | undefined;
  /** Name of the index over all that is in the archive; none when missing. */
  readonly indexName?: string | undefined;
  /** Platforms to take out of indexes; the daemon's own by default. */
  readonly platforms?: readonly Platform[] | undefined;
  readonly allPlatforms?: boolean | undefined;
  /** Empty for the default of the namespace, else of the daemon. */
  readonly snapshotter?: string | undefined;
  /** False leaves the layers packed; true by default. */
  readonly unpack?: boolean | undefined;
  /** Nothing is named where a name would be taken away from another image: it fails with already-exists. */
  readonly keepNames?: boolean | undefined;
  /** Packs layers that come without gzip in an archive of Docker's. */
  readonly compress?: boolean | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings the images of an archive into the store: an OCI layout as tar, or what `docker save` wrote, packed by gzip or not.
 *
 * @returns Names that were set, in the order of the archive.
 */
export async function importImages(
  session: Session,
  bytes: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<string[]> {
  const { signal, indexName = '', digests = false } = options;
  const platforms = options.allPlatforms === true ? [] : (options.platforms ?? [HOST_PLATFORM]);
  const prefix = options.prefix ?? `import-${new Date().toISOString().slice(0, 10)}`;
  const reference = {
    ...{ name: prefix, is_prefix: true, allow_overwrite: options.onlyPrefixed !== true },
    ...{ add_digest: digests !== false, skip_named_digest: digests === 'unnamed' },
  };
  const unpacked = platforms.length > 0 ? platforms : [HOST_PLATFORM];
  const destination = session.messages.pack('containerd.types.transfer.ImageStore', {
    name: indexName,
    platforms: platforms.map(toWirePlatform),
    extra_references: [reference],
    unpacks: (options.unpack === false ? [] : unpacked).map((platform) => ({
      platform: toWirePlatform(platform),
      snapshotter: options.snapshotter ?? '',
    })),
  });
  const stream = await openByteStream(session, signal);
  const named: string[] = [];
  const onProgress = (progress: TransferProgress): void => {
    if (progress.event === 'saved') named.push(progress.key);
    options.onProgress?.(progress);
  };
  const source = session.messages.pack('containerd.types.transfer.ImageImportStream', {
    stream: stream.id,
    force_compress: options.compress ?? false,
  });
  const sending = stream.send(bytes);
  // The daemon's own error says more than that its stream has ended.
  sending.catch(() => undefined);
  try {
    const headers = options.keepNames === true ? { [KEEP_NAMES]: '1' } : {};
    await transfer(session, source, destination, { onProgress, signal, headers });
  } finally {
    stream.end();
  }
  return named;
}

export interface ExportOptions {
  /** Platforms to take out of indexes; the daemon's own by default. */
  readonly platforms?: readonly Platform[] | undefined;
  readonly allPlatforms?: boolean | undefined;
  /** False leaves Docker's manifest.json out; true by default. */
  readonly docker?: boolean | undefined;
  /** Layers that may not be distributed stay out. */
  readonly onlyDistributable?: boolean | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The bytes of an archive of images: an OCI layout as tar, which `docker load` reads, too. */
export async function* exportImages(
  session: Session,
  names: readonly string[],
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array> {
  const { signal, platforms = [], allPlatforms = false } = options;
  const stream = await openByteStream(session, signal);
  const source = session.messages.pack('containerd.types.transfer.ImageStore', {
    extra_references: names.map((name) => ({ name })),
  });
  const destination = session.messages.pack('containerd.types.transfer.ImageExportStream', {
    stream: stream.id,
    platforms: platforms.map(toWirePlatform),
    all_platforms: allPlatforms,
    skip_compatibility_manifest: options.docker === false,
    skip_non_distributable: options.onlyDistributable ?? false,
  });
  const work = transfer(session, source, destination, options);
  // It fails the loop's end, not the event loop.
  work.catch(() => undefined);
  try {
    yield* raceFailure(stream.receive(), work);
    await work;
  } finally {
    stream.end();
  }
}

/** The daemon may refuse before it touches the stream: then there is nothing to wait for on it. */
async function* raceFailure(bytes: AsyncGenerator<Uint8Array>, work: Promise<void>): AsyncGenerator<Uint8Array> {
  const failed = new Promise<never>((_, reject) => {
    work.catch(reject);
  });
  for (;;) {
    const next = await Promise.race([bytes.next(), failed]);
    if (next.done === true) return;
    yield next.value;
  }
}
