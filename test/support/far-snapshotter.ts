import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError } from '../../src/base/errors.js';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import type { Mount } from '../../src/core/kernel/mounts.js';
import type { Scope } from '../../src/core/namespaces/scope.js';
import type { Snapshotter } from '../../src/core/snapshots/snapshotter.js';
import { LocalBlobs } from '../../src/drivers/content-local/local-blobs.js';
import { openMetadata } from '../../src/drivers/metadata-sqlite/metadata.js';
import { openOverlayBackend } from '../../src/drivers/snapshot-overlay/overlay-backend.js';
import { openWorkerPool } from '../../src/drivers/worker-pool/worker-pool.js';
import { implement } from '../../src/rpc/handlers.js';
import { RpcServer } from '../../src/rpc/server.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { createSnapshotsService } from '../../src/service/snapshots.js';
import type { Labels } from '../../src/spec/labels.js';
import { createKernel } from '../../src/sys/kernel.js';
import { SOURCE_WORKER_URL } from './worker-url.js';

/** A snapshotter of another program: an overlay snapshotter behind a socket of its own, which may have layers by itself. */
export interface FarSnapshotter extends AsyncDisposable {
  readonly address: string;
  /** Labels of every prepare so far, by the order of the calls. */
  readonly asked: readonly Labels[];
  /** Snapshots that there are, with their keys. */
  list(namespace: string): ReturnType<Snapshotter['list']>;
  /** From now on it has the layer of a chain ID by itself, filled by `fill` in the directory it gets. */
  has(chainId: string, fill: (directory: string) => Promise<void>): void;
  /** Called with the name of any method, before it does something and when it is done but not yet answered. */
  watch: ((method: string, when: 'before' | 'after') => Promise<void> | void) | undefined;
  /** Goes away from its socket, and comes back. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export function openFarSnapshotter(dir: string, name: string): Promise<FarSnapshotter> {
  return Teardown.build(async (down) => {
    const kernel = createKernel();
    const root = join(dir, 'far');
    await mkdir(root);
    const pool = down.own(openWorkerPool(SOURCE_WORKER_URL, 1));
    const backends = [
      await openOverlayBackend({ pool, files: kernel.files, disks: kernel.disks, root: join(root, 'overlayfs') }),
    ];
    const blobs = await LocalBlobs.open(join(root, 'content'));
    const path = join(root, 'meta.db');
    // Nothing has an owner here: what goes, goes because it is told to.
    const metadata = down.own(
      await openMetadata({
        path,
        blobs,
        backends,
        log: SILENT,
        collectDelayMs: 3_600_000,
        collectIntervalMs: 3_600_000,
      }),
    );
    const real = metadata.snapshotters.get('overlayfs');
    if (!real) throw new Error('no snapshotter overlayfs');
    const asked: Labels[] = [];
    const hooks: Pick<FarSnapshotter, 'watch'> = { watch: undefined };
    const own = new Map<string, (directory: string) => Promise<void>>();
    const scoped = (scope: Scope): Snapshotter => {
      const snapshots = real(scope);
      const prepare = async (key: string, parent: string, labels: Labels = {}): Promise<readonly Mount[]> => {
        asked.push(labels);
        const target = labels['containerd.io/snapshot.ref'] ?? '';
        const fill = own.get(target);
        if (!fill) return await snapshots.prepare(key, parent, { ...labels, 'containerd.io/snapshot.ref': '' });
        const making = `making ${target}`;
        const [mount] = await snapshots.prepare(making, parent);
        const upper = mount?.options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
        await fill(upper ?? mount?.source ?? '');
        await snapshots.commit(target, making, labels);
        throw new DaemonError('already-exists', `target snapshot ${target}: already exists`);
      };
      return new Proxy(snapshots, {
        get: (of, property) => {
          const value: unknown = property === 'prepare' ? prepare : Reflect.get(of, property);
          if (typeof value !== 'function') return value;
          return async (...args: unknown[]): Promise<unknown> => {
            await hooks.watch?.(String(property), 'before');
            const result: unknown = await Reflect.apply(value, of, args);
            await hooks.watch?.(String(property), 'after');
            return result;
          };
        },
      });
    };
    const address = join(dir, 'far.sock');
    const services = [
      implement(
        'containerd.services.snapshots.v1.Snapshots',
        createSnapshotsService(new Map([[name, scoped]]), () => Promise.resolve()),
      ),
    ];
    let server: RpcServer | undefined;
    const start = async () => {
      server = new RpcServer({ schema: wholeSchema, services, log: SILENT });
      await server.listen({ path: address });
    };
    const stop = async () => {
      await server?.close();
      server = undefined;
    };
    await start();
    down.add(stop);
    return Object.assign(hooks, {
      ...{ address, asked, start, stop },
      list: (namespace: string) => real({ namespace }).list(),
      has: (chainId: string, fill: (directory: string) => Promise<void>) => void own.set(chainId, fill),
      [Symbol.asyncDispose]: () => down.run(),
    });
  });
}
