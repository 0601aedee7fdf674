import { toSafeNumber } from '../rpc/int64.js';
import { parseDigest, type Digest } from '../spec/digest.js';
import type { Platform } from '../spec/platform.js';
import { toWirePlatform } from './platforms.js';
import { openAccess, withAccess, type RegistryAccess } from './registry-access.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.remotes.v1.RemotesService';

export interface FetchObjectOptions extends RegistryAccess {
  readonly mediaTypes?: readonly string[] | undefined;
  readonly platform?: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The verified bytes of one object of a registry; nothing is stored. An error at the end means that they are not to be trusted. */
export async function* fetchObject(
  session: Session,
  ref: string,
  options: FetchObjectOptions = {},
): AsyncIterable<Uint8Array> {
  const { mediaTypes = [], platform, signal } = options;
  using access = await openAccess(session, options, signal);
  const request = {
    ref,
    media_types: [...mediaTypes],
    platform: platform ? toWirePlatform(platform) : null,
    options: { resolver: access.resolver },
  };
  try {
    for await (const { data } of session.service(SERVICE).fetchObject(request, endless(signal))) {
      if (data && data.length > 0) yield data;
    }
  } catch (error) {
    throw access.explain(error);
  }
}

/** Something that refers to an object of a registry. */
export interface Referrer {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string;
  /** Bytes. */
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What refers to an object of a registry: signatures, attestations, bills of material and the like. */
export async function listReferrers(
  session: Session,
  ref: string,
  options: RegistryAccess & { readonly artifactType?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<readonly Referrer[]> {
  const { artifactType = '', signal } = options;
  return withAccess(session, options, signal, async (resolver) => {
    const request = { ref, artifact_type: artifactType, options: { resolver } };
    const { referrers } = await session.service(SERVICE).referrers(request, endless(signal));
    return referrers.map(({ descriptor, artifact_type }) => ({
      digest: descriptor?.digest ?? '',
      mediaType: descriptor?.media_type ?? '',
      artifactType: artifact_type,
      size: toSafeNumber(descriptor?.size ?? '0'),
      annotations: descriptor?.annotations ?? {},
    }));
  });
}

/** What became of an object in a repository. */
export interface PushedObject {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The repository had it before. */
  readonly existed: boolean;
}

/** Puts one stored object into the repository of `ref`; what it names must be there already. */
export async function pushObject(
  session: Session,
  ref: string,
  digest: Digest,
  options: RegistryAccess & { readonly mediaType?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<PushedObject> {
  const { mediaType = '', signal } = options;
  return withAccess(session, options, signal, async (resolver) => {
    const request = { ref, digest, media_type: mediaType, options: { resolver } };
    const { target, existed } = await session.service(SERVICE).pushObject(request, endless(signal));
    return { digest: parseDigest(target?.digest ?? ''), mediaType: target?.media_type ?? '', existed };
  });
}

/**
 * Shows credentials to a registry.
 *
 * @throws unauthenticated: it refuses them. failed-precondition: it asks for none.
 */
export async function authenticate(
  session: Session,
  host: string,
  options: RegistryAccess,
  signal?: AbortSignal,
): Promise<void> {
  await withAccess(session, options, signal, async (resolver) => {
    await session.service(SERVICE).authenticate({ host, options: { resolver } }, endless(signal));
  });
}

function endless(signal: AbortSignal | undefined): { timeoutMs: number; signal?: AbortSignal } {
  return { timeoutMs: 0, ...(signal && { signal }) };
}
