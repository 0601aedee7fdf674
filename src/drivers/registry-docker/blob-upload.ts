import { DaemonError, messageOf } from '../../base/errors.js';
import type { BlobReader } from '../../core/content/content-store.js';
import type { PushOptions, PushOutcome } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { failureOf } from './failure.js';
import { Patience } from './patience.js';
import type { RepositoryClient, RepositoryRequest } from './repository-client.js';
import type { HttpResponse } from './http-messages.js';

/** By these a registry says that it takes no whole blob in one request, or not such a large one. */
const NOT_WHOLE = new Set([405, 411, 413, 415, 501]);
/** The upload is not known any longer, or is at another byte than we thought. */
const LOST = new Set([404, 416]);
const PIECE_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES_MAX = 1024 * 1024 * 1024;
/** A registry may copy a large blob to its place before it answers. */
const ANSWER_MS = 600_000;

/** An upload that the registry has begun: where to send the rest, and how much it has. */
interface Upload {
  readonly url: URL;
  readonly offset: number;
}

/**
 * One blob on its way to a registry (OCI distribution-spec, "Pushing blobs"): in one request if possible, taken up after a cut at the
 * byte that the registry has, in pieces where it takes no more at once.
 */
export class BlobUpload {
  readonly #client: RepositoryClient;
  readonly #target: Descriptor;
  readonly #blob: BlobReader;
  readonly #options: PushOptions & { readonly what: string; readonly from?: string };
  readonly #patience: Patience;
  #inPieces = false;
  #pieceBytes = PIECE_BYTES;

  /** @param options `from`: another repository of the registry that has the blob, as far as we know. */
  constructor(
    client: RepositoryClient,
    target: Descriptor,
    blob: BlobReader,
    options: PushOptions & { readonly what: string; readonly from?: string },
  ) {
    this.#client = client;
    this.#target = target;
    this.#blob = blob;
    this.#options = options;
    const { what, onWait, signal } = options;
    this.#patience = new Patience(client.transport, { what, onWait, signal });
  }

  /** @throws What Pusher throws. */
  async run(): Promise<PushOutcome> {
    const begun = await this.#begin(this.#options.from);
    if (begun === 'mounted') return 'mounted';
    let upload: Upload | undefined = begun;
    while (upload) {
      const { url, offset }: Upload = upload;
      try {
        upload = await this.#step(upload);
      } catch (error) {
        await this.#patience.afterError(error);
        upload = await this.#resumed(url, offset);
      }
    }
    return 'pushed';
  }

  /** @returns The upload as it stands then; undefined when the blob is there. */
  async #step(upload: Upload): Promise<Upload | undefined> {
    const { offset, url } = upload;
    const { size } = this.#target;
    const whole = offset === 0 && !this.#inPieces;
    const end = this.#inPieces ? Math.min(size, offset + this.#pieceBytes) : size;
    const last = whole || offset === size;
    const response = last ? await this.#put(url, offset) : await this.#patch(url, offset, end);
    if (response.status === 201 || (last && response.status === 204)) {
      await response.discard();
      return undefined;
    }
    if (response.status === 202 && !last) {
      await response.discard();
      this.#patience.progressed();
      return { url: this.#locationOf(response, url), offset: receivedOf(response) ?? end };
    }
    return this.#setBack(response, upload, whole);
  }

  async #setBack(response: HttpResponse, { url, offset }: Upload, whole: boolean): Promise<Upload> {
    const { status } = response;
    if (whole && NOT_WHOLE.has(status)) {
      await response.discard();
      this.#inPieces = true;
      return this.#beginAnew();
    }
    if (LOST.has(status) || Patience.retries(status)) {
      await this.#patience.afterResponse(response);
      return this.#resumed(url, offset);
    }
    throw await failureOf(response, this.#options.what);
  }

  #put(url: URL, offset: number): Promise<HttpResponse> {
    const address = new URL(url);
    address.searchParams.set('digest', this.#target.digest);
    return this.#send('PUT', address, offset, this.#target.size, {});
  }

  #patch(url: URL, from: number, to: number): Promise<HttpResponse> {
    return this.#send('PATCH', url, from, to, { 'content-range': `${from}-${to - 1}` });
  }

  #send(
    method: 'PUT' | 'PATCH',
    path: URL,
    from: number,
    to: number,
    range: Readonly<Record<string, string>>,
  ): Promise<HttpResponse> {
    const length = { 'content-type': 'application/octet-stream', 'content-length': String(to - from) };
    return this.#client.attempt({
      ...this.#common(),
      method,
      path,
      headers: { ...length, ...range },
      body: from === to ? new Uint8Array() : () => this.#bytes(from, to),
      headersMs: ANSWER_MS,
    });
  }

  async *#bytes(from: number, to: number): AsyncGenerator<Uint8Array, void> {
    const { onProgress, signal } = this.#options;
    onProgress?.(from);
    try {
      for await (const { offset, bytes } of this.#blob.chunks({ from, to }, signal)) {
        yield bytes;
        onProgress?.(offset + bytes.length);
      }
    } catch (cause) {
      // Else it would look like an error of the connection.
      if (cause instanceof DaemonError) throw cause;
      throw new DaemonError('internal', `${this.#options.what}: it can't be read here: ${messageOf(cause)}`, { cause });
    }
  }

  /** @param from Mounted from there, if the registry does that; it may begin an upload instead. */
  async #begin(from?: string): Promise<Upload | 'mounted'> {
    if (from === undefined) return this.#beginAnew();
    this.#client.authorizer.want(`repository:${from}:pull`);
    const query = new URLSearchParams({ mount: this.#target.digest, from });
    const response = await this.#post(`blobs/uploads/?${query.toString()}`);
    if (response.status === 202) return this.#begunBy(response);
    await response.discard();
    return response.status === 201 ? 'mounted' : this.#beginAnew();
  }

  async #beginAnew(): Promise<Upload> {
    const response = await this.#post('blobs/uploads/');
    if (response.status !== 202) throw await failureOf(response, this.#options.what);
    return this.#begunBy(response);
  }

  #post(path: string): Promise<HttpResponse> {
    return this.#client.request({ ...this.#common(), method: 'POST', path, headers: { 'content-length': '0' } });
  }

  async #begunBy(response: HttpResponse): Promise<Upload> {
    await response.discard();
    const least = Number(response.header('oci-chunk-min-length') ?? 0);
    if (least > PIECE_BYTES && least <= PIECE_BYTES_MAX) this.#pieceBytes = least;
    return { url: this.#locationOf(response, response.url), offset: 0 };
  }

  /** Asks how much has arrived; begins anew where nothing has, or the registry can't tell. */
  async #resumed(url: URL, before: number): Promise<Upload> {
    const response = await this.#client.request({ ...this.#common(), method: 'GET', path: url });
    await response.discard();
    const offset = response.status === 204 ? receivedOf(response) : undefined;
    // "0-0" is said of one byte and of none.
    if (offset === undefined || offset <= 1 || offset > this.#target.size) return this.#beginAnew();
    if (offset > before) this.#patience.progressed();
    return { url: this.#locationOf(response, url), offset };
  }

  #locationOf(response: HttpResponse, before: URL): URL {
    const location = response.header('location');
    if (location !== undefined) return this.#client.resolveLocation(location, response.url, this.#options.what);
    if (before !== response.url) return before;
    const { host } = response.url;
    throw new DaemonError('unavailable', `${this.#options.what}: ${host} does not say where to send it`);
  }

  #common(): Pick<RepositoryRequest, 'what' | 'onWait' | 'signal'> {
    const { what, onWait, signal } = this.#options;
    return { what, onWait, signal };
  }
}

/** Bytes that the registry says to have: `Range: 0-<last>`. */
function receivedOf(response: HttpResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(response.header('range') ?? '')?.[1];
  return last === undefined ? undefined : Number(last) + 1;
}
