import { join } from 'node:path';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import type { BlobOnDisk } from '../../src/core/content/content-store.js';
import type { Rootfs, UnpackRequest } from '../../src/core/rootfs/rootfs.js';
import { createPuller, type Puller, type PullRequest, type Pulled } from '../../src/core/transfer/pull.js';
import type { TransferProgress } from '../../src/core/transfer/progress.js';
import { LocalBlobs } from '../../src/drivers/content-local/local-blobs.js';
import { openMetadata, type Metadata } from '../../src/drivers/metadata-sqlite/metadata.js';
import { RegistryRemotes, type RegistryOptions } from '../../src/drivers/registry-docker/registry-remotes.js';
import { chainIdOf } from '../../src/spec/chain-id.js';
import type { Descriptor } from '../../src/spec/descriptor.js';
import type { Digest } from '../../src/spec/digest.js';
import { HOST_PLATFORM } from './image.js';
import { tempDir } from './temp-dir.js';

export const SCOPE = { namespace: 'test' };

/** Waits so short that failing registries are quick to test. */
export const IMPATIENT = {
  connectMs: 2_000,
  headersMs: 2_000,
  stallMs: 500,
  documentMs: 1_000,
  backOffMs: 5,
  backOffMaxMs: 20,
  retryAfterMaxMs: 3_000,
  tries: 4,
};

export interface TestPuller extends AsyncDisposable {
  readonly dir: string;
  readonly metadata: Metadata;
  readonly remotes: RegistryRemotes;
  readonly puller: Puller;
  readonly rootfs: RecordingRootfs;
  /** Bytes that are said to be free; may be changed. */
  free: number;
  /** Pulls for this machine under the reference's own name, unpacking, and collects the reports. */
  pull(
    reference: string,
    options?: Partial<PullRequest>,
  ): Promise<Pulled & { readonly reports: readonly TransferProgress[] }>;
  /** Starts anew on the same directory, as after a crash or restart. */
  reopen(): Promise<void>;
}

/**
 * A puller over real stores in a folder of its own; unpacking is recorded only.
 *
 * @param prepare Gets the folder while it is empty.
 */
export function openPuller(
  prepare: (dir: string) => Promise<void> = async () => undefined,
  options: Pick<RegistryOptions, 'ranges'> & { readonly concurrency?: number } = {},
): Promise<TestPuller> {
  return Teardown.build(async (down) => {
    const { path: dir } = down.own(await tempDir(undefined, 'wharfd-pull-'));
    await prepare(dir);
    const { concurrency, ...registry } = options;
    const remotes = down.own(new RegistryRemotes({ ...registry, timing: IMPATIENT }));
    const rootfs = new RecordingRootfs();
    const open = async (): Promise<Metadata> => {
      const blobs = await LocalBlobs.open(join(dir, 'content'));
      return openMetadata({ path: join(dir, 'meta.db'), blobs, backends: [], log: SILENT });
    };
    const assemble = (metadata: Metadata): Puller =>
      createPuller({
        ...metadata,
        rootfs,
        remotes,
        ...(concurrency !== undefined && { concurrency }),
        freeSpace: () => Promise.resolve({ fileSystem: '/small', bytes: self.free }),
        log: SILENT,
      });
    let metadata = await open();
    down.add(async () => metadata[Symbol.asyncDispose]());
    let puller = undefined as unknown as Puller;
    const self: TestPuller = {
      dir,
      remotes,
      rootfs,
      free: 1e12,
      get metadata() {
        return metadata;
      },
      get puller() {
        return puller;
      },
      async pull(reference, options = {}) {
        const reports: TransferProgress[] = [];
        const request: PullRequest = {
          reference,
          names: [reference],
          platforms: [HOST_PLATFORM],
          unpacks: [{ platform: HOST_PLATFORM }],
          onProgress: (progress) => reports.push(progress),
          signal: new AbortController().signal,
          ...options,
        };
        return { ...(await puller.pull(SCOPE, request)), reports };
      },
      async reopen() {
        await metadata[Symbol.asyncDispose]();
        metadata = await open();
        puller = assemble(metadata);
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
    puller = assemble(metadata);
    return self;
  });
}

/** Unpacks nothing, but keeps the contract and notes what it was told. */
export class RecordingRootfs implements Pick<Rootfs, 'unpack'> {
  readonly requests: UnpackRequest[] = [];
  /** Digests of layers in the order in which they became ready. */
  readonly ready: Digest[] = [];
  /** Asked for layers that are verified and not in the content store; true takes them. */
  begin: ((layer: Descriptor, held: BlobOnDisk) => boolean) | undefined;
  /** Thrown when that layer is ready. */
  failAt: { readonly layer: Digest; readonly error: Error } | undefined;

  mayHaveLayers(): boolean {
    return false;
  }

  async unpack(_scope: unknown, request: UnpackRequest): ReturnType<Rootfs['unpack']> {
    this.requests.push(request);
    const waiting = new Set(request.layers.map(({ digest }) => digest));
    let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
    const all = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
    all.catch(() => undefined);
    if (waiting.size === 0) settle?.resolve();
    return {
      snapshotter: request.snapshotter ?? 'overlayfs',
      needs: () => true,
      begin: (layer, held) => this.begin?.(layer, held) ?? false,
      ready: (layer) => {
        this.ready.push(layer.digest);
        request.onProgress?.({ layer, state: 'unpacking', bytes: 0, entries: 0 });
        if (this.failAt?.layer === layer.digest) settle?.reject(this.failAt.error);
        request.onProgress?.({ layer, state: 'done', bytes: layer.size, entries: 1 });
        waiting.delete(layer.digest);
        if (waiting.size === 0) settle?.resolve();
      },
      finish: async () => {
        await all;
        return chainIdOf(request.diffIds);
      },
      [Symbol.asyncDispose]: async () => settle?.reject(new Error('disposed')),
    };
  }
}
