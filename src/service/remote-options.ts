import { isAbsolute } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../base/errors.js';
import { Semaphore } from '../base/semaphore.js';
import type { Credentials, RemoteOptions } from '../core/remotes/remotes.js';
import type { CallScope, Incoming } from '../rpc/handlers.js';
import { messages } from '../rpc/whole.js';
import type { ClientStream, StreamRegistry } from './stream-registry.js';

type WireResolver = Incoming<'containerd.types.transfer.RegistryResolver'> | null | undefined;

const ANSWER_MS = 60_000;

/**
 * How a client wants its registry reached.
 *
 * @throws invalid-argument: the directory of host configurations. not-found: the stream for credentials is not open.
 */
export function fromWireResolver(resolver: WireResolver, streams: StreamRegistry, scope: CallScope): RemoteOptions {
  if (!resolver) return {};
  const { host_dir: hostDir } = resolver;
  if (hostDir !== '' && !isAbsolute(hostDir)) {
    throw new DaemonError('invalid-argument', `directory of hosts ${JSON.stringify(hostDir)} must be an absolute path`);
  }
  const stream = resolver.auth_stream === '' ? undefined : streams.get(scope, resolver.auth_stream);
  return {
    plainHttp: resolver.default_scheme === 'http',
    headers: resolver.headers,
    ...(hostDir !== '' && { hostDir }),
    ...(stream && { credentials: credentialsFrom(stream) }),
  };
}

/** Asks over the client's stream, one question at a time; a client that can't answer says nothing. */
function credentialsFrom(stream: ClientStream): NonNullable<RemoteOptions['credentials']> {
  const one = new Semaphore(1);
  return (host, reference, wwwauthenticate) =>
    one.run(async () => {
      const question = { host, reference, wwwauthenticate: [...wwwauthenticate] };
      await stream.send(messages.pack('containerd.types.transfer.AuthRequest', question));
      const answer = await inTime(stream.received.next(), host);
      if (answer.done === true) return undefined;
      return fromWireAuth(messages.unpack('containerd.types.transfer.AuthResponse', answer.value));
    });
}

async function inTime<T>(answer: Promise<T>, host: string): Promise<T> {
  const controller = new AbortController();
  const late = sleep(ANSWER_MS, undefined, { signal: controller.signal }).then(() => {
    throw new DaemonError('unauthenticated', `${host}: the client did not answer the question for credentials`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    late.catch(() => undefined);
    controller.abort();
  }
}

function fromWireAuth(answer: Incoming<'containerd.types.transfer.AuthResponse'>): Credentials | undefined {
  const { authType, secret, username } = answer;
  if (authType === 'NONE' || secret === '') return undefined;
  if (authType === 'HEADER') return { kind: 'header', authorization: secret };
  if (username === '') return { kind: 'refresh', token: secret };
  return { kind: 'basic', user: username, secret };
}
