import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { isKind } from '../../src/base/errors.js';
import type { Channel } from '../../src/rpc/channel.js';
import { chainIds } from '../../src/spec/chain-id.js';
import type { Digest } from '../../src/spec/digest.js';
import type { Image } from './image.js';

export const SNAPSHOTTER = 'overlayfs';
const REF_LABEL = 'containerd.io/snapshot.ref';

/** An image as containerd's Go client pulls it: the client writes content, prepares, has layers applied, and commits. */
export class ClientPull {
  readonly #channel: Channel;
  readonly #lease: string;
  readonly #image: Image;

  constructor(channel: Channel, lease: string, image: Image) {
    this.#channel = channel;
    this.#lease = lease;
    this.#image = image;
  }

  get #scope() {
    return { lease: this.#lease };
  }

  /** Writes a blob in pieces, as one who may not be the only one. @returns False when it was there. */
  async write(digest: Digest, bytes: Uint8Array, labels: Record<string, string> = {}): Promise<boolean> {
    const content = this.#channel.service('containerd.services.content.v1.Content');
    const ref = `${this.#lease}-${digest}`;
    async function* requests() {
      const total = String(bytes.length);
      yield { action: 'STAT' as const, ref, total, expected: digest };
      for (let at = 0; at < bytes.length; at += 70_000) {
        const data = Buffer.from(bytes.subarray(at, at + 70_000));
        yield { action: 'WRITE' as const, ref, offset: String(at), data };
      }
      yield { action: 'COMMIT' as const, ref, total, offset: total, expected: digest, labels };
    }
    try {
      for await (const _ of content.write(requests(), this.#scope)) continue;
      return true;
    } catch (error) {
      if (!isKind(error, 'already-exists')) throw error;
      return false;
    }
  }

  /** All blobs of the image, the manifest last, with the labels that keep what it names. */
  async content(): Promise<void> {
    for (const [digest, bytes] of this.#image.blobs) await this.write(digest, bytes);
    const labels = Object.fromEntries(
      [...this.#image.blobs.keys()].map((digest, at) => [`containerd.io/gc.ref.content.${at}`, digest]),
    );
    for (const { descriptor, bytes } of this.#image.manifests) await this.write(descriptor.digest, bytes, labels);
  }

  /** @returns How many layers this pull applied itself. */
  async unpack(
    layers: readonly { readonly digest: Digest; readonly size: number; readonly diffId: Digest }[],
  ): Promise<number> {
    const snapshots = this.#channel.service('containerd.services.snapshots.v1.Snapshots');
    const names = chainIds(layers.map(({ diffId }) => diffId));
    let applied = 0;
    for (const [at, { digest, size, diffId }] of layers.entries()) {
      const [name = '', parent = ''] = [names[at], names[at - 1]];
      const key = `extract-${randomBytes(6).toString('hex')} ${name}`;
      const labels = { [REF_LABEL]: name };
      const prepared = await snapshots
        .prepare({ snapshotter: SNAPSHOTTER, key, parent, labels }, this.#scope)
        .catch((error: unknown) => {
          if (!isKind(error, 'already-exists')) throw error;
          return undefined;
        });
      if (!prepared) continue;
      const diff = { media_type: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: String(size) };
      const { applied: told } = await this.#channel
        .service('containerd.services.diff.v1.Diff')
        .apply({ diff, mounts: prepared.mounts }, this.#scope);
      assert.equal(told?.digest, diffId);
      applied += 1;
      try {
        await snapshots.commit({ snapshotter: SNAPSHOTTER, name, key }, this.#scope);
      } catch (error) {
        if (!isKind(error, 'already-exists')) throw error;
        await snapshots.remove({ snapshotter: SNAPSHOTTER, key }, this.#scope);
      }
    }
    return applied;
  }
}
