import type { WireAny } from '../rpc/messages.js';
import { platformOfNode, type Platform } from '../spec/platform.js';
import { openProgressStream, type TransferProgress } from './progress-stream.js';
import type { Session } from './session.js';

export interface FetchOptions {
  /** Platforms to take out of an index; the daemon's own by default. */
  readonly platforms?: readonly Platform[] | undefined;
  readonly allPlatforms?: boolean | undefined;
  /** Plain http for any registry. */
  readonly plainHttp?: boolean | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PullOptions extends FetchOptions {
  /** Empty for the default of the namespace, else of the daemon. */
  readonly snapshotter?: string | undefined;
}

/** Fetches an image, unpacks it, and records its name; all of it is done by the daemon. */
export async function pullImage(
  session: Session,
  reference: string,
  options: PullOptions = {},
): Promise<{ readonly name: string; readonly digest: string }> {
  const platforms = platformsOf(options);
  const unpacks = (platforms.length > 0 ? platforms : [HOST]).map((platform) => ({
    platform: toWire(platform),
    snapshotter: options.snapshotter ?? '',
  }));
  const destination = session.messages.pack('containerd.types.transfer.ImageStore', {
    name: reference,
    platforms: platforms.map(toWire),
    unpacks,
  });
  await transfer(session, reference, destination, options);
  const { image } = await session
    .service('containerd.services.images.v1.Images')
    .get({ name: reference }, options.signal ? { signal: options.signal } : {});
  return { name: reference, digest: image?.target?.digest ?? '' };
}

/** Fetches all that belongs to an image into the content store; no name, no snapshots. */
export async function fetchImage(session: Session, reference: string, options: FetchOptions = {}): Promise<void> {
  const platforms = platformsOf(options);
  const destination = session.messages.pack('wharfd.types.transfer.v1.ContentStore', {
    platforms: platforms.map(toWire),
  });
  await transfer(session, reference, destination, options);
}

async function transfer(
  session: Session,
  reference: string,
  destination: WireAny,
  { plainHttp, onProgress, signal }: FetchOptions,
): Promise<void> {
  const source = session.messages.pack('containerd.types.transfer.OCIRegistry', {
    reference,
    resolver: { default_scheme: plainHttp ? 'http' : '' },
  });
  const progress = onProgress && (await openProgressStream(session, onProgress, signal));
  try {
    await session.service('containerd.services.transfer.v1.Transfer').transfer(
      { source, destination, options: { progress_stream: progress?.id ?? '' } },
      {
        timeoutMs: 0,
        ...(signal ? { signal } : {}),
      },
    );
    await progress?.closed;
  } finally {
    progress?.end();
  }
}

/** The client is on the daemon's machine: the socket is a file. */
const HOST = platformOfNode(process.arch);

function platformsOf({ platforms, allPlatforms }: FetchOptions): readonly Platform[] {
  if (allPlatforms) return [];
  return platforms && platforms.length > 0 ? platforms : [HOST];
}

function toWire({ os, architecture, variant = '' }: Platform) {
  return { os, architecture, variant };
}
