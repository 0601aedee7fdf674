import type { WireAny } from '../rpc/messages.js';
import { openProgressStream, type ProgressListener, type ProgressStream } from './progress-stream.js';
import type { Session } from './session.js';

/** Has the daemon bring something from one place to another, and shows how far it is. */
export async function transfer(
  session: Session,
  source: WireAny,
  destination: WireAny,
  {
    onProgress,
    progress: opened,
    signal,
    headers,
  }: {
    readonly onProgress?: ProgressListener | undefined;
    /** One that is being opened already, in place of `onProgress`. */
    readonly progress?: Promise<ProgressStream> | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Of the request. */
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const progress = await (opened ?? (onProgress && openProgressStream(session, onProgress, signal)));
  try {
    await session.service('containerd.services.transfer.v1.Transfer').transfer(
      { source, destination, options: { progress_stream: progress?.id ?? '' } },
      {
        timeoutMs: 0,
        ...(signal ? { signal } : {}),
        ...(headers ? { headers } : {}),
      },
    );
    await progress?.closed;
  } finally {
    progress?.end();
  }
}
