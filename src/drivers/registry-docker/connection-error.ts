import { DaemonError } from '../../base/errors.js';

/** A connection that could not be made or broke. Only some are worth another try. */
export class ConnectionError extends DaemonError {
  readonly transient: boolean;

  constructor(message: string, transient: boolean, options?: ErrorOptions) {
    super('unavailable', message, options);
    this.transient = transient;
  }
}

interface Explanation {
  readonly text: string;
  readonly transient: boolean;
}

const again = (text: string): Explanation => ({ text, transient: true });
const final = (text: string): Explanation => ({ text, transient: false });

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: again('connection refused; is it running, and is the port right?'),
  ECONNRESET: again('connection reset'),
  EPIPE: again('connection broken'),
  ETIMEDOUT: again('no answer to the connection request'),
  EHOSTUNREACH: again('no route to it; check the network'),
  ENETUNREACH: again('the network is not reachable; check the network'),
  ENOTFOUND: final('no such host; check the name'),
  EAI_AGAIN: again('its name can not be looked up now; check the DNS settings'),
  UND_ERR_CONNECT_TIMEOUT: again('no answer to the connection request'),
  UND_ERR_HEADERS_TIMEOUT: again('it took the request but did not answer'),
  UND_ERR_BODY_TIMEOUT: again('it stopped sending in the middle'),
  UND_ERR_SOCKET: again('it closed the connection'),
  UND_ERR_ABORTED: again('the connection was cut'),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: again('it sent another number of bytes than announced'),
  ERR_SSL_WRONG_VERSION_NUMBER: final('it does not speak https; use --plain-http if you trust the network'),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: final('it does not speak https; use --plain-http if you trust the network'),
  DEPTH_ZERO_SELF_SIGNED_CERT: final('its certificate is self-signed; add its authority to the trusted ones'),
  SELF_SIGNED_CERT_IN_CHAIN: final('its certificate is of an unknown authority; add that to the trusted ones'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: final('its certificate is of an unknown authority; add that to the trusted ones'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: final('its certificate is of an unknown authority; add that to the trusted ones'),
  CERT_HAS_EXPIRED: final('its certificate has expired'),
  ERR_TLS_CERT_ALTNAME_INVALID: final('its certificate is for another host'),
};

/** As undici tells that there was no tunnel. */
const PROXY_ANSWER = /^Proxy response \((\d+)\)/;

/**
 * Says in words what undici, node:net or node:tls threw.
 *
 * @param proxy Through which the host was to be reached.
 */
export function connectionError(url: URL, cause: unknown, proxy?: URL): ConnectionError {
  const codes = codesOf(cause);
  const known = codes.map((code) => EXPLANATIONS[code]).find((explanation) => explanation !== undefined);
  const refused = PROXY_ANSWER.exec(cause instanceof Error ? cause.message : '')?.[1];
  const { text, transient } =
    refused !== undefined
      ? final(`the proxy answers ${refused}${refused === '407' ? ', it wants a user and a password' : ''}`)
      : (known ?? again(codes[0] ?? (cause instanceof Error ? cause.message : String(cause))));
  // Without its user and password.
  const way = proxy === undefined ? '' : ` through the proxy ${proxy.host}`;
  return new ConnectionError(
    `${url.host} can not be reached over ${url.protocol.slice(0, -1)}${way}: ${text}`,
    transient,
    {
      cause,
    },
  );
}

/** Error codes from the outermost to the innermost cause, those of attempts on several addresses included. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...inner, ...codesOf(error.cause), ...own];
}
