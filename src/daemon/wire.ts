import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError, isKind, messageOf } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { Teardown } from '../base/teardown.js';
import { createExecution, type Execution } from '../core/execution/execution.js';
import { readHostFacts } from '../core/execution/host-facts.js';
import { RootfsView } from '../core/execution/rootfs-view.js';
import type { Kernel } from '../core/kernel/kernel.js';
import { createPuller } from '../core/transfer/pull.js';
import { createPusher } from '../core/transfer/push.js';
import { openCgroupReader } from '../drivers/cgroup-stats/cgroup-reader.js';
import { RegistryRemotes } from '../drivers/registry-docker/registry-remotes.js';
import { createOciRuntime } from '../drivers/runtime-oci/open-runtime.js';
import { RpcServer } from '../rpc/server.js';
import { wholeSchema } from '../rpc/whole.js';
import { decodeRuntimeOptions } from '../service/runtime-options.js';
import { checkIdentifier } from '../spec/identifier.js';
import { platformOfNode } from '../spec/platform.js';
import { createKernel } from '../sys/kernel.js';
import type { Config } from './config.js';
import { spaceAt } from './disk-space.js';
import { nativeProgram } from './native-path.js';
import { createServices } from './services.js';
import { openStores, type Stores } from './stores.js';

/** A daemon that serves. Disposing stops it; containers go on. */
export type Daemon = AsyncDisposable;

/**
 * Puts the daemon together and lets clients in.
 *
 * @throws unavailable: another daemon has the root directory. already-exists: another listens at the address.
 */
export function wire(config: Config, log: Logger): Promise<Daemon> {
  return Teardown.build(async (down) => {
    const kernel = createKernel();
    await makeDirectories(config);
    down.own(lockRoot(config.root, kernel));
    const stores = await openStores(config, kernel, log, down);
    const { runtime, execution } = await openExecution(config, kernel, stores, log);
    down.own(execution);
    const remotes = down.own(new RegistryRemotes({ hostDirs: config.registry.config_path.split(':').filter(Boolean) }));
    const { metadata, rootfs } = stores;
    const puller = createPuller({
      content: metadata.content,
      images: metadata.images,
      leases: metadata.leases,
      rootfs,
      remotes,
      freeSpace: () => spaceAt(kernel, config.root),
      log,
      concurrency: config.pull.concurrent_downloads,
    });
    const pusher = createPusher({ ...metadata, remotes });
    const services = await createServices({ config, stores, runtime, execution, remotes, puller, pusher });
    await execution.recover();
    const server = down.own(
      new RpcServer({
        schema: wholeSchema,
        services,
        log,
        checkNamespace: (namespace) => void checkIdentifier(namespace, 'namespace'),
        peerOf: (fd) => kernel.descriptors.peerOf(fd),
      }),
    );
    await server.listen({ path: config.grpc.address, gid: config.grpc.gid });
    return { [Symbol.asyncDispose]: () => down.run() };
  });
}

/** 0700 for what holds images, 0711 for what containers' own users must get through (HOSTILE S8). */
async function makeDirectories({ root, state }: Config): Promise<void> {
  for (const [path, mode] of [
    [root, 0o700],
    [state, 0o711],
  ] as const) {
    try {
      await mkdir(path, { recursive: true, mode });
      if (((await stat(path)).mode & 0o777) !== mode) await chmod(path, mode);
    } catch (cause) {
      throw new DaemonError(
        'failed-precondition',
        `directory ${path} can't be used (${messageOf(cause)}): run as root`,
        {
          cause,
        },
      );
    }
  }
}

function lockRoot(root: string, kernel: Kernel): Disposable {
  try {
    return kernel.descriptors.lockFile(join(root, 'lock'));
  } catch (cause) {
    if (!isKind(cause, 'unavailable')) throw cause;
    throw new DaemonError(
      'unavailable',
      `root directory ${root} is in use by another wharfd: stop that one, or give --root another directory`,
      { cause },
    );
  }
}

async function openExecution(config: Config, kernel: Kernel, stores: Stores, log: Logger) {
  const { metadata, rootfs, snapshots } = stores;
  const host = readHostFacts();
  const scratch = join(config.state, 'tmp');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const runtime = createOciRuntime(
    kernel,
    {
      state: config.state,
      binary: config.runtime.binary,
      ...(config.runtime.root === undefined ? {} : { root: config.runtime.root }),
      reaper: config.reaper,
      monitor: nativeProgram('wharfd-monitor'),
    },
    log,
  );
  const execution: Execution = createExecution({
    runtime,
    tasks: metadata.tasks,
    index: metadata.taskIndex,
    containers: metadata.containers,
    namespaces: metadata.namespaces,
    images: metadata.images,
    content: metadata.content,
    leases: metadata.leases,
    rootfs,
    snapshots,
    view: new RootfsView(kernel, scratch),
    host,
    bootId: host.bootId,
    platform: platformOfNode(process.arch),
    defaultSnapshotter: config.snapshotter,
    decodeOptions: decodeRuntimeOptions,
    cgroups: await openCgroupReader(kernel.mounts),
    bundleRoot: join(config.state, 'io.containerd.runtime.v2.task'),
    log,
  });
  return { runtime, execution };
}
