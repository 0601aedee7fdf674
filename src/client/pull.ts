import type { WireAny } from '../rpc/messages.js';
import type { Platform } from '../spec/platform.js';
import { HOST_PLATFORM, toWirePlatform } from './platforms.js';
import { openProgressStream, type ProgressListener, type TransferProgress } from './progress-stream.js';
import { withAccess, type RegistryAccess } from './registry-access.js';
import type { Session } from './session.js';
import { transfer } from './transfer.js';

export interface FetchOptions extends RegistryAccess {
  /** Platforms to take out of an index; the daemon's own by default. */
  readonly platforms?: readonly Platform[] | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PullOptions extends FetchOptions {
  /** Empty for the default of the namespace, else of the daemon. */
  readonly snapshotter?: string | undefined;
  /** False leaves the layers packed; true by default. */
  readonly unpack?: boolean | undefined;
}

/** Fetches an image, unpacks it, and records its name; all of it is done by the daemon. */
export async function pullImage(
  session: Session,
  reference: string,
  options: PullOptions = {},
): Promise<{ readonly name: string; readonly digest: string }> {
  const platforms = platformsOf(options);
  const unpacked = platforms.length > 0 ? platforms : [HOST_PLATFORM];
  const unpacks = (options.unpack === false ? [] : unpacked).map((platform) => ({
    platform: toWirePlatform(platform),
    snapshotter: options.snapshotter ?? '',
  }));
  const destination = session.messages.pack('containerd.types.transfer.ImageStore', {
    name: reference,
    platforms: platforms.map(toWirePlatform),
    unpacks,
  });
  const { onProgress } = options;
  let saved: string | undefined;
  const listen: ProgressListener = (progress, digest) => {
    if (progress.event === 'saved' && progress.key === reference) saved = digest;
    onProgress?.(progress);
  };
  await fetchTo(session, reference, destination, { ...options, ...(onProgress && { onProgress: listen }) });
  if (saved !== undefined) return { name: reference, digest: saved };
  const { image } = await session
    .service('containerd.services.images.v1.Images')
    .get({ name: reference }, options.signal ? { signal: options.signal } : {});
  return { name: reference, digest: image?.target?.digest ?? '' };
}

/** Fetches all that belongs to an image into the content store; no name, no snapshots. */
export async function fetchImage(session: Session, reference: string, options: FetchOptions = {}): Promise<void> {
  const platforms = platformsOf(options);
  const destination = session.messages.pack('wharfd.types.transfer.v1.ContentStore', {
    platforms: platforms.map(toWirePlatform),
  });
  await fetchTo(session, reference, destination, options);
}

async function fetchTo(
  session: Session,
  reference: string,
  destination: WireAny,
  options: Omit<FetchOptions, 'onProgress'> & { readonly onProgress?: ProgressListener | undefined },
): Promise<void> {
  const { onProgress, signal } = options;
  // Beside the stream for credentials, so that both take the time of one.
  const progress = onProgress && openProgressStream(session, onProgress, signal);
  // Should it fail while that other stream is still being opened: `transfer` tells.
  progress?.catch(() => undefined);
  try {
    await withAccess(session, options, signal, async (resolver) => {
      const source = session.messages.pack('containerd.types.transfer.OCIRegistry', { reference, resolver });
      await transfer(session, source, destination, { ...options, progress });
    });
  } finally {
    // What went wrong with it `transfer` has told, or something else went wrong before.
    progress?.then(
      (stream) => stream.end(),
      () => undefined,
    );
  }
}

function platformsOf({ platforms, allPlatforms }: FetchOptions): readonly Platform[] {
  if (allPlatforms) return [];
  return platforms && platforms.length > 0 ? platforms : [HOST_PLATFORM];
}
