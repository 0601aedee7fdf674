import type { Peer } from './connection-error.js';

/** How to reach a server. */
export interface TransportOptions extends Peer {
  /** How long to wait for a server that is there but does not answer, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** A lost connection is tried again after so many milliseconds at most; at the next call when missing. */
  readonly reconnectMs?: number | undefined;
}

/** What a call begins with. */
export interface CallStart {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Metadata, names in lower case. */
  readonly metadata: readonly (readonly [name: string, value: string])[];
  /** Undefined: it may take for ever. */
  readonly timeoutMs: number | undefined;
}

/** One call of a client, in bytes. Errors are DaemonErrors. */
export interface ClientCall {
  /** Sends a request. Resolves when it is handed to the socket, or will never be. */
  send(bytes: Buffer): Promise<void>;
  /** No further request comes. */
  end(): void;
  /** The replies, until the call has ended well. For one reader. @throws How it ended otherwise. */
  replies(): AsyncIterable<Buffer>;
  /** Nobody waits for it any more: what still reads ends with `canceled`. */
  cancel(): void;
}

/** A client's connection to one server, made again when it is lost. */
export interface Transport {
  /** Resolves when there is a connection. @throws unavailable, permission-denied: there is none to be had. */
  connected(): Promise<void>;
  /** Begins a call on the connection; to be called in one turn with `connected`. */
  call(start: CallStart): ClientCall;
  /** Drops the connection; calls that run fail with `canceled`. */
  close(): void;
}

export type OpenTransport = (options: TransportOptions) => Transport;
