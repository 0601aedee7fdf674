import type { WireAny } from '../rpc/messages.js';
import { openProgressStream, type TransferProgress } from './progress-stream.js';
import type { Session } from './session.js';

/** Has the daemon bring something from one place to another, and shows how far it is. */
export async function transfer(
  session: Session,
  source: WireAny,
  destination: WireAny,
  {
    onProgress,
    signal,
    headers,
  }: {
    readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Of the request. */
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const progress = onProgress && (await openProgressStream(session, onProgress, signal));
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
