import { DaemonError, isKind } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { formatPlatform, type Platform } from '../../spec/platform.js';
import type { ContentStore } from '../content/content-store.js';
import { childrenOf } from '../images/handlers/children.js';
import { dispatch } from '../images/handlers/dispatch.js';
import { mapChildren, NO_CHILDREN, STOP_HANDLING, inOrder, type Handler } from '../images/handlers/handler.js';
import { readImage } from '../images/handlers/image-manifest.js';
import type { ImageStore } from '../images/image-store.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Pusher as RemotePusher, RemoteOptions, Remotes } from '../remotes/remotes.js';
import { OperationLease } from './operation-lease.js';
import type { ProgressSink } from './progress.js';
import { ProgressRows } from './progress-rows.js';
import { labelSource } from './source-label.js';

export interface PushRequest {
  /** The image that is pushed. */
  readonly image: string;
  /** What it is called at the registry. */
  readonly reference: string;
  /** Only the manifest for it is pushed, under the reference; missing: all that the image has. */
  readonly platform?: Platform;
  readonly remote?: RemoteOptions;
  readonly onProgress?: ProgressSink;
  readonly signal: AbortSignal;
}

/** What a push works with. */
export interface PushPorts {
  readonly content: Scoped<ContentStore>;
  readonly images: Scoped<ImageStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly remotes: Remotes;
  /** Uploads of one push at the same time. */
  readonly concurrency?: number;
}

/** Brings images to registries. */
export interface ImagePusher {
  /**
   * Uploads what the registry has not: blobs first, then documents, each after all that it names.
   *
   * @returns What the reference stands for now.
   * @throws not-found: the image, or a part of it, is not here. What the remote Pusher throws.
   */
  push(scope: Scope, request: PushRequest): Promise<Descriptor>;
}

const CONCURRENCY_DEFAULT = 4;

/** Makes the pusher of a daemon. */
export function createPusher(ports: PushPorts): ImagePusher {
  return {
    async push(scope, request) {
      const lease = await OperationLease.open(ports.leases, scope, `push ${request.reference}`);
      try {
        return await pushUnder(lease, ports, request);
      } finally {
        await lease.end('done');
      }
    },
  };
}

async function pushUnder(lease: OperationLease, ports: PushPorts, request: PushRequest): Promise<Descriptor> {
  const { image, reference, platform, remote, signal } = request;
  const content = ports.content(lease.scope);
  const { target: whole } = await ports.images(lease.scope).get(image);
  await lease.keep(whole.digest);
  const root = await rootOf(content, whole, image, platform, signal);
  const rows = new ProgressRows(reference, request.onProgress);
  rows.resolved(root);
  const pusher = await ports.remotes.resolver(remote).pusher(reference);
  const push = new Push({ content, pusher, rows, reference, image, root });
  await dispatch(push.blobs, [root], { concurrency: ports.concurrency ?? CONCURRENCY_DEFAULT, signal });
  await push.documents(signal);
  rows.saved(root);
  return root;
}

/** An index is left out where one platform is wanted: the registry would miss the others. */
async function rootOf(
  content: ContentStore,
  target: Descriptor,
  image: string,
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<Descriptor> {
  if (platform === undefined || kindOfMedia(target.mediaType) !== 'index') return target;
  try {
    return (await readImage(content, target, platform, signal)).target;
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
    const wanted = formatPlatform(platform);
    throw new DaemonError(
      'not-found',
      `image ${image} is not here for ${wanted}; pull it with --platform ${wanted}, or choose another one`,
      { cause: error },
    );
  }
}

interface PushParts {
  readonly content: ContentStore;
  readonly pusher: RemotePusher;
  readonly rows: ProgressRows;
  readonly reference: string;
  readonly image: string;
  readonly root: Descriptor;
}

class Push {
  /** Uploads everything but the documents, which it keeps for later. */
  readonly blobs: Handler;
  readonly #parts: PushParts;
  /** Documents, and those among their children, by digest. */
  readonly #later = new Map<string, { readonly target: Descriptor; readonly below: readonly Descriptor[] }>();

  constructor(parts: PushParts) {
    this.#parts = parts;
    const { content, rows } = parts;
    const children = rows.knowing(this.#explained(childrenOf(content)));
    const postpone: Handler = (target) => Promise.resolve(isDocument(target) ? STOP_HANDLING : NO_CHILDREN);
    const upload: Handler = async (target, signal) => {
      await this.#upload(target, signal);
      return NO_CHILDREN;
    };
    this.blobs = inOrder(this.#noting(children), postpone, upload);
  }

  /** Uploads the documents, children before their parents, the root last. */
  async documents(signal: AbortSignal): Promise<void> {
    const done = new Set<string>();
    const visit = async ({ digest }: Descriptor): Promise<void> => {
      const document = this.#later.get(digest);
      if (!document || done.has(digest)) return;
      done.add(digest);
      for (const child of document.below) await visit(child);
      signal.throwIfAborted();
      await this.#upload(document.target, signal);
    };
    await visit(this.#parts.root);
  }

  #noting(handler: Handler): Handler {
    return mapChildren(handler, (children, target) => {
      if (isDocument(target)) this.#later.set(target.digest, { target, below: children.filter(isDocument) });
      return children;
    });
  }

  async #upload(target: Descriptor, signal: AbortSignal): Promise<void> {
    const { content, pusher, rows, reference, root } = this.#parts;
    const row = rows.uploading(target);
    const options = { ...row, named: target.digest === root.digest, signal };
    const outcome = await pusher.push(target, content, options).catch(async (error: unknown) => {
      throw await this.#explain(error, target);
    });
    rows.uploaded(target, outcome === 'pushed' ? 'uploaded' : 'exists');
    await labelSource(content, reference)(target, signal);
  }

  #explained(handler: Handler): Handler {
    return async (target, signal) => {
      try {
        return await handler(target, signal);
      } catch (error) {
        throw await this.#explain(error, target);
      }
    };
  }

  /** What is missing here was not pulled as a rule. */
  async #explain(error: unknown, { digest, platform }: Descriptor): Promise<unknown> {
    if (!isKind(error, 'not-found') || (await this.#isHere(digest))) return error;
    const { image } = this.#parts;
    const part = platform ? `its part for ${formatPlatform(platform)}` : `its part ${digest}`;
    return new DaemonError(
      'not-found',
      `image ${image} is not here as a whole, ${part} is missing; pull it with --all-platforms, or push one with --platform`,
      { cause: error },
    );
  }

  async #isHere(digest: Descriptor['digest']): Promise<boolean> {
    try {
      await this.#parts.content.info(digest);
      return true;
    } catch (error) {
      if (isKind(error, 'not-found')) return false;
      throw error;
    }
  }
}

function isDocument({ mediaType }: Descriptor): boolean {
  const kind = kindOfMedia(mediaType);
  return kind === 'manifest' || kind === 'index';
}
