import { randomUUID } from 'node:crypto';
import { deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { Outgoing } from '../rpc/handlers.js';
import type { WireAny } from '../rpc/messages.js';
import { RequestQueue } from './request-queue.js';
import type { Session } from './session.js';

/** How to log in: a user and a password, a refresh token, or the whole Authorization header. */
export type Credentials =
  | { readonly kind: 'basic'; readonly user: string; readonly secret: string }
  | { readonly kind: 'refresh'; readonly token: string }
  | { readonly kind: 'header'; readonly authorization: string };

/** Who wants credentials, and for what. */
export interface CredentialsQuestion {
  /** As in references: `docker.io`, `registry.example:5000`. */
  readonly host: string;
  readonly reference: string;
}

/** How the daemon is to reach registries. */
export interface RegistryAccess {
  /** Plain http for any registry. */
  readonly plainHttp?: boolean | undefined;
  /** An absolute path of a directory with `<host>/hosts.toml`, in place of the daemon's own. */
  readonly hostsDir?: string | undefined;
  /** Asked at most once a host, when it wants to know; undefined stands for anonymous. */
  readonly credentials?: ((question: CredentialsQuestion) => Promise<Credentials | undefined>) | undefined;
}

/** What the daemon is told of it. */
export interface OpenAccess extends Disposable {
  readonly resolver: Outgoing<'containerd.types.transfer.RegistryResolver'>;
  /** The error that counts: what `credentials` has thrown, rather than what came of it. */
  explain(error: unknown): unknown;
}

/** Answers the daemon's questions for credentials until disposed. */
export async function openAccess(
  session: Session,
  { plainHttp, hostsDir, credentials }: RegistryAccess,
  signal?: AbortSignal,
): Promise<OpenAccess> {
  const answers = credentials && (await openAnswers(session, credentials, signal));
  return {
    resolver: {
      auth_stream: answers?.id ?? '',
      host_dir: hostsDir ?? '',
      default_scheme: plainHttp ? 'http' : '',
    },
    explain: (error) => answers?.failure() ?? error,
    [Symbol.dispose]: () => answers?.end(),
  };
}

/** Calls with an access that is open meanwhile. */
export async function withAccess<T>(
  session: Session,
  access: RegistryAccess,
  signal: AbortSignal | undefined,
  call: (resolver: OpenAccess['resolver']) => Promise<T>,
): Promise<T> {
  using open = await openAccess(session, access, signal);
  try {
    return await call(open.resolver);
  } catch (error) {
    throw open.explain(error);
  }
}

interface Answers {
  readonly id: string;
  readonly failure: () => unknown;
  readonly end: () => void;
}

async function openAnswers(
  session: Session,
  credentials: NonNullable<RegistryAccess['credentials']>,
  signal: AbortSignal | undefined,
): Promise<Answers> {
  const id = `auth-${randomUUID()}`;
  const requests = new RequestQueue<WireAny>();
  const opened = deferred<undefined>();
  let failure: unknown;
  void requests.push(session.messages.pack('containerd.services.streaming.v1.StreamInit', { id }));
  const questions = session
    .service('containerd.services.streaming.v1.Streaming')
    .stream(requests, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  const answer = async (question: WireAny): Promise<WireAny> => {
    const { host, reference } = session.messages.unpack('containerd.types.transfer.AuthRequest', question);
    const found = await credentials({ host, reference }).catch((error: unknown) => {
      failure ??= error;
      return undefined;
    });
    return session.messages.pack('containerd.types.transfer.AuthResponse', toWire(found));
  };
  const all = async (): Promise<void> => {
    let acknowledged = false;
    for await (const question of questions) {
      if (acknowledged) void requests.push(await answer(question));
      else opened.resolve(undefined);
      acknowledged = true;
    }
    opened.reject(new DaemonError('internal', 'the daemon closed the stream for credentials at once'));
  };
  // Once the call is over it is of no interest how its stream ends.
  all().catch((error: unknown) => {
    opened.reject(error);
  });
  await opened.promise;
  return {
    id,
    failure: () => failure,
    end: () => {
      requests.end();
    },
  };
}

function toWire(found: Credentials | undefined): Outgoing<'containerd.types.transfer.AuthResponse'> {
  switch (found?.kind) {
    case undefined:
      return { authType: 'NONE' };
    case 'basic':
      return { authType: 'CREDENTIALS', username: found.user, secret: found.secret };
    case 'refresh':
      return { authType: 'REFRESH', secret: found.token };
    case 'header':
      return { authType: 'HEADER', secret: found.authorization };
  }
}
