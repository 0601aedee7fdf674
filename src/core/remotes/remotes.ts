import type { Descriptor } from '../../spec/descriptor.js';
import type { ContentStore } from '../content/content-store.js';

/** Why a byte stream from a registry stands still, for people who watch. */
export interface FetchWait {
  /** One line, such as `429 from registry.example; next try in 30 s`. */
  readonly reason: string;
  readonly delayMs: number;
}

export interface FetchOptions {
  /** First byte wanted, 0 to the descriptor's size; default 0. */
  readonly from?: number;
  /** A piece is done with when the next one is asked for: its memory may be used again. */
  readonly transient?: boolean;
  readonly onWait?: (wait: FetchWait) => void;
  readonly signal?: AbortSignal;
}

/** Gives the bytes of objects in one repository. */
export interface Fetcher {
  /**
   * Streams a blob or document from `from` to its size, never a byte twice and never beyond the size: a cut connection is taken up
   * where it ended. The bytes are **not verified**; the caller checks the digest of the whole.
   *
   * @throws not-found. permission-denied, unauthenticated. unavailable: unreachable, failing, or asked too
   * often, after all retries. data-loss: the registry's object has another size.
   */
  fetch(target: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;
}

export interface PushOptions {
  /** A manifest or index gets the name's tag too. */
  readonly named?: boolean;
  /** Bytes handed to the connection so far; goes back after a cut. */
  readonly onProgress?: (offset: number) => void;
  readonly onWait?: (wait: FetchWait) => void;
  readonly signal?: AbortSignal;
}

/** Bytes went over, the repository had it already, or took it over from another repository of its registry. */
export type PushOutcome = 'pushed' | 'exists' | 'mounted';

/** Puts objects into one repository. */
export interface Pusher {
  /**
   * Uploads one object from the content store. Children must be there before their parents.
   *
   * @throws not-found: not in the store. permission-denied, unauthenticated. unavailable: unreachable, or failing after all retries.
   * invalid-argument: refused by the registry, or the name is pinned to another digest. data-loss: the registry has kept other bytes.
   */
  push(target: Descriptor, content: ContentStore, options?: PushOptions): Promise<PushOutcome>;
}

/** What a name stands for at its registry. */
export interface Resolved {
  /** The name as the registry's side has it; what the image store keeps. */
  readonly name: string;
  /** Of bytes that were verified: hashed by us, and equal to the digest that the name is pinned to, if it is. */
  readonly target: Descriptor;
  /** For the target and everything below it. */
  readonly fetcher: Fetcher;
  /** What refers to just this target, whatever the name stands for by now. @throws As `resolve`. */
  referrers(options?: ReferrersOptions): Promise<readonly Descriptor[]>;
}

export interface ResolveOptions {
  /** Media types to accept; manifests and indexes of Docker and OCI by default. */
  readonly mediaTypes?: readonly string[];
  readonly onWait?: (wait: FetchWait) => void;
  readonly signal?: AbortSignal;
}

export interface ReferrersOptions {
  /** Only those of this type. */
  readonly artifactType?: string;
  readonly signal?: AbortSignal;
}

export interface Referrers {
  readonly name: string;
  /** What they refer to. */
  readonly target: Descriptor;
  readonly referrers: readonly Descriptor[];
}

/** From names to bytes, as one client asked for it. */
export interface Resolver {
  /**
   * @param name `host/path:tag`, `host/path@digest` or both.
   * @throws invalid-argument: the name, or the document it stands for. not-found. permission-denied, unauthenticated. unavailable.
   * data-loss: the bytes don't have the digest asked for.
   */
  resolve(name: string, options?: ResolveOptions): Promise<Resolved>;
  /**
   * What refers to the object that `name` stands for: signatures, attestations, bills of material and the like.
   *
   * @throws As `resolve`.
   */
  referrers(name: string, options?: ReferrersOptions): Promise<Referrers>;
  /** Into the repository of `name`. @throws invalid-argument: the name. failed-precondition: nothing can be written there. */
  pusher(name: string): Promise<Pusher>;
  /**
   * Shows the credentials to a registry.
   *
   * @throws unauthenticated: they are refused. failed-precondition: it asks for none. unavailable.
   */
  authenticate(host: string, signal?: AbortSignal): Promise<void>;
}

/** How to authenticate with one host: nothing, a user and a password, or a refresh token. */
export type Credentials =
  | { readonly kind: 'basic'; readonly user: string; readonly secret: string }
  | { readonly kind: 'refresh'; readonly token: string }
  | { readonly kind: 'header'; readonly authorization: string };

/** How a client wants its registries reached. */
export interface RemoteOptions {
  /** Plain http for every host; loopback hosts are spoken to over http anyway. */
  readonly plainHttp?: boolean;
  /** A directory of `<host>/hosts.toml` in place of the daemon's own. */
  readonly hostDir?: string;
  /** Sent with every request to the registry itself, never to where it redirects. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asked at most once a host when it wants authentication; undefined means anonymous. */
  readonly credentials?: (
    host: string,
    name: string,
    challenges: readonly string[],
  ) => Promise<Credentials | undefined>;
}

/** Makes resolvers; connections and the patience with each host are shared by all of them. */
export interface Remotes {
  resolver(options?: RemoteOptions): Resolver;
}
