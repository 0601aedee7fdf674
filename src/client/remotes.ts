import type { Platform } from '../spec/platform.js';
import type { Session } from './session.js';

export interface FetchObjectOptions {
  readonly mediaTypes?: readonly string[] | undefined;
  readonly platform?: Platform | undefined;
  readonly plainHttp?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The verified bytes of one object of a registry; nothing is stored. An error at the end means that they are not to be trusted. */
export async function* fetchObject(
  session: Session,
  ref: string,
  options: FetchObjectOptions = {},
): AsyncIterable<Uint8Array> {
  const { mediaTypes = [], platform, plainHttp = false, signal } = options;
  const replies = session.service('wharfd.services.remotes.v1.RemotesService').fetchObject(
    {
      ref,
      media_types: [...mediaTypes],
      platform: platform
        ? { os: platform.os, architecture: platform.architecture, variant: platform.variant ?? '' }
        : null,
      options: { plain_http: plainHttp },
    },
    signal ? { signal, timeoutMs: 0 } : { timeoutMs: 0 },
  );
  for await (const { data } of replies) if (data && data.length > 0) yield data;
}
