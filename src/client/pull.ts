import type { WireAny } from '../rpc/messages.js';
import type { Platform } from '../spec/platform.js';
import { HOST_PLATFORM, toWirePlatform } from './platforms.js';
import type { TransferProgress } from './progress-stream.js';
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
  await fetchTo(session, reference, destination, options);
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
  options: FetchOptions,
): Promise<void> {
  await withAccess(session, options, options.signal, async (resolver) => {
    const source = session.messages.pack('containerd.types.transfer.OCIRegistry', { reference, resolver });
    await transfer(session, source, destination, options);
  });
}

function platformsOf({ platforms, allPlatforms }: FetchOptions): readonly Platform[] {
  if (allPlatforms) return [];
  return platforms && platforms.length > 0 ? platforms : [HOST_PLATFORM];
}
