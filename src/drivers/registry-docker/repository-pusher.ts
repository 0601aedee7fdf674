import { DaemonError } from '../../base/errors.js';
import type { ContentStore } from '../../core/content/content-store.js';
import { readDocument } from '../../core/images/handlers/children.js';
import type { Pusher, PushOptions, PushOutcome } from '../../core/remotes/remotes.js';
import { sourceRepositories } from '../../core/transfer/source-label.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { hostOf, pathOf, pinnedDigestOf, tagOf, type Reference } from '../../spec/reference.js';
import { BlobUpload } from './blob-upload.js';
import { failureOf } from './failure.js';
import { announceReferrer } from './referrers.js';
import type { RepositoryClient, RepositoryRequest } from './repository-client.js';
import type { HttpResponse } from './http-messages.js';

/** A question that a registry refuses is one that the upload after it would be refused too. */
const REFUSALS = new Set([401, 403, 429]);
const CREATED = new Set([200, 201, 202]);

/** Writes into one repository of one registry. */
export class RepositoryPusher implements Pusher {
  readonly #client: RepositoryClient;
  readonly #reference: Reference;

  constructor(client: RepositoryClient, reference: Reference) {
    this.#client = client;
    this.#reference = reference;
  }

  async push(target: Descriptor, content: ContentStore, options: PushOptions = {}): Promise<PushOutcome> {
    const kind = kindOfMedia(target.mediaType);
    const document = kind === 'manifest' || kind === 'index';
    return document ? this.#pushDocument(target, content, options) : this.#pushBlob(target, content, options);
  }

  async #pushDocument(target: Descriptor, content: ContentStore, options: PushOptions): Promise<PushOutcome> {
    const { named = false, onWait, signal } = options;
    const place = `manifests/${named ? this.#nameFor(target) : target.digest}`;
    const request = { path: place, what: this.#what(target), onWait, signal };
    const there = await this.#look({ ...request, method: 'HEAD', accept: target.mediaType });
    const body = Buffer.from(await readDocument(content, target, signal));
    const announce = (said?: string) =>
      announceReferrer(this.#client, target, body, said, { what: request.what, onWait, signal });
    if (there?.header('docker-content-digest') === target.digest) {
      await announce();
      return 'exists';
    }
    const headers = { 'content-type': target.mediaType };
    const response = await this.#client.request({ ...request, method: 'PUT', headers, body });
    if (!CREATED.has(response.status)) throw await failureOf(response, request.what);
    await response.discard();
    const said = response.header('docker-content-digest');
    if (said === undefined || said === target.digest) {
      await announce(response.header('oci-subject'));
      return 'pushed';
    }
    throw new DaemonError('data-loss', `${request.what}: ${response.url.host} has kept something else, as ${said}`);
  }

  async #pushBlob(target: Descriptor, content: ContentStore, options: PushOptions): Promise<PushOutcome> {
    const { onWait, signal } = options;
    const what = this.#what(target);
    const there = await this.#look({
      method: 'HEAD',
      path: `blobs/${target.digest}`,
      accept: '*/*',
      what,
      onWait,
      signal,
    });
    if (there) return 'exists';
    const host = hostOf(this.#reference);
    const { labels } = await content.info(target.digest);
    const from = sourceRepositories(labels, host).find((repository) => repository !== pathOf(this.#reference));
    await using blob = await content.open(target.digest, signal);
    const upload = new BlobUpload(this.#client, target, blob, {
      ...options,
      what,
      ...(from !== undefined && { from }),
    });
    return await upload.run();
  }

  /** The answer to a HEAD when the thing is there. */
  async #look(request: RepositoryRequest): Promise<HttpResponse | undefined> {
    const response = await this.#client.request(request);
    if (REFUSALS.has(response.status)) throw await failureOf(response, request.what);
    await response.discard();
    return response.status === 200 ? response : undefined;
  }

  #nameFor({ digest }: Descriptor): string {
    const pinned = pinnedDigestOf(this.#reference);
    if (pinned !== undefined && pinned !== digest) {
      throw new DaemonError('invalid-argument', `${digest} can't be pushed to a name that is pinned to ${pinned}`);
    }
    const tag = tagOf(this.#reference);
    return tag === '' ? digest : tag;
  }

  #what({ digest }: Descriptor): string {
    return `push of ${digest} to ${this.#reference.locator}`;
  }
}
