import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../base/directory.js';
import { nativePath } from '../base/native-path.js';
import { DaemonError, isKind, messageOf } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { Teardown } from '../base/teardown.js';
import { Copies } from '../core/execution/copies.js';
import { createExecution, type Execution } from '../core/execution/execution.js';
import { readHostFacts } from '../core/execution/host-facts.js';
import { Volumes } from '../core/volumes/volumes.js';
import { RootfsView } from '../core/execution/rootfs-view.js';
import type { Kernel } from '../core/kernel/kernel.js';
import { createImageArchives } from '../core/transfer/archives.js';
import { createPuller } from '../core/transfer/pull.js';
import { createPusher } from '../core/transfer/push.js';
import { DockerArchives, OciArchives } from '../drivers/image-places/archives.js';
import { OciLayouts } from '../drivers/image-places/oci-layout.js';
import { placeResolver } from '../drivers/image-places/place-resolver.js';
import { tarArchives } from '../drivers/archive-tar/tar-archive.js';
import { openCgroups } from '../drivers/cgroup-stats/cgroup-reader.js';
import { pipedCopies } from '../drivers/file-copy/piped-copies.js';
import { openWorkerPool } from '../drivers/worker-pool/worker-pool.js';
import { createProxies, proxiesOfEnvironment, type ProxySettings } from '../drivers/registry-docker/proxies.js';
import { RegistryRemotes } from '../drivers/registry-docker/registry-remotes.js';
import { CniNetworks } from '../drivers/network-cni/cni-networks.js';
import { createOciRuntime } from '../drivers/runtime-oci/open-runtime.js';
import { remotesByPlace } from '../core/remotes/by-place.js';
import { withShims } from '../core/execution/shims.js';
import { ShimRuntime } from '../remote/shim/shim-runtime.js';
import { RpcServer } from '../rpc/server.js';
import { wholeSchema } from '../rpc/whole.js';
import { REPEATABLE_READS, type ReadTopic } from '../service/repeatable-reads.js';
import { decodeRuntimeOptions } from '../service/runtime-options.js';
import { checkIdentifier } from '../spec/identifier.js';
import { platformOfNode } from '../spec/platform.js';
import { createKernel } from '../sys/kernel.js';
import type { Config } from './config.js';
import { spaceAt } from './disk-space.js';
import type { MissedEvents } from '../service/events.js';
import { QuietTime } from './quiet-time.js';
import { createServices } from './services.js';
import { shimFinder } from './shims.js';
import { openSelftest } from './selftest.js';
import { openVerifier } from './verification.js';
import { openStores, type Stores } from './stores.js';

/** How long after a start clients of the former run are expected to come back. */
const COMING_BACK_MS = 60_000;
/** Files are copied for so many clients at a time; others wait. */
const COPIES_MAX = 8;

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
    const { runtime, shims, execution, volumes } = await openExecution(config, kernel, stores, log);
    down.own(shims);
    down.own(execution);
    const registries = down.own(
      new RegistryRemotes({
        hostDirs: config.registry.config_path.split(':').filter(Boolean),
        proxies: createProxies(proxySettings(config)),
        ranges: { connectionsMax: config.pull.concurrent_ranges },
      }),
    );
    const remotes = remotesByPlace(registries, {
      oci: placeResolver(new OciLayouts((path) => kernel.descriptors.lockFile(path))),
      'oci-archive': placeResolver(new OciArchives()),
      'docker-archive': placeResolver(new DockerArchives()),
    });
    // Threads of their own: a client may keep one waiting for as long as it likes.
    const copiers = down.own(openWorkerPool(new URL('./worker.js', import.meta.url), COPIES_MAX));
    const copies = new Copies(execution, kernel.files, pipedCopies(copiers, kernel.descriptors));
    const { metadata, rootfs } = stores;
    const puller = createPuller({
      content: metadata.content,
      images: metadata.images,
      leases: metadata.leases,
      rootfs,
      remotes,
      verifier: openVerifier(config, kernel.programs, log),
      freeSpace: () => spaceAt(kernel, config.root),
      log,
      concurrency: config.pull.concurrent_downloads,
      totalConcurrency: config.pull.concurrent_downloads_total,
    });
    const pusher = createPusher({ ...metadata, remotes });
    const archives = createImageArchives({
      ...metadata,
      rootfs,
      archives: tarArchives,
      hostPlatform: platformOfNode(process.arch),
    });
    let missed: MissedEvents | undefined;
    const services = await createServices({
      config,
      stores,
      runtime,
      execution,
      volumes,
      copies,
      remotes,
      puller,
      pusher,
      archives,
      selftest: await openSelftest(config.root, kernel, stores.pool),
      missed: () => missed,
    });
    const from = metadata.journal.last() + 1;
    await execution.recover();
    missed = { from, to: metadata.journal.last() };
    down.add(
      after(COMING_BACK_MS, () => {
        missed = undefined;
      }),
    );
    const quiet = down.own(new QuietTime({ memory: kernel.memory, log, cpuMs }));
    const server = down.own(
      new RpcServer({
        schema: wholeSchema,
        services,
        log,
        checkNamespace: (namespace) => void checkIdentifier(namespace, 'namespace'),
        peerOf: (fd) => kernel.descriptors.peerOf(fd),
        onCall: () => {
          quiet.stir();
        },
        // Who wants to see all calls in the log does.
        ...(config.log_level === 'debug' ? {} : { repeatable: repeatableReads(metadata) }),
      }),
    );
    metadata.onChange((topic) => {
      server.forget(topic);
    });
    await server.listen({ path: config.grpc.address, gid: config.grpc.gid });
    return { [Symbol.asyncDispose]: () => down.run() };
  });
}

/** What the configuration leaves open, the environment decides. */
function proxySettings({ proxy: { http, https, no } }: Config): ProxySettings {
  const environment = proxiesOfEnvironment(process.env);
  return { http: http ?? environment.http, https: https ?? environment.https, no: no ?? environment.no };
}

/** Snapshots of other programs change without our knowing. */
function repeatableReads({ proxied }: Stores['metadata']): Readonly<Record<ReadTopic, readonly string[]>> {
  return proxied.size === 0 ? REPEATABLE_READS : { ...REPEATABLE_READS, snapshots: [] };
}

/** CPU time of all threads of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms).unref();
  return () => {
    clearTimeout(timer);
  };
}

/** 0700 for what holds images, 0711 for what containers' own users must get through (HOSTILE S8). */
async function makeDirectories({ root, state }: Config): Promise<void> {
  for (const [path, mode] of [
    [root, 0o700],
    [state, 0o711],
  ] as const) {
    try {
      await makeDirectory(path, mode);
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
  const host = readHostFacts(nativePath('wharfd-init'), config.runtime.cgroup_driver);
  const scratch = join(config.state, 'tmp');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const runtime = createOciRuntime(
    kernel,
    {
      state: config.state,
      binary: config.runtime.binary,
      ...(config.runtime.root === undefined ? {} : { root: config.runtime.root }),
      logs: join(config.root, 'logs'),
      reaper: config.reaper,
      allowLoggingPrograms: config.runtime.allow_logging_programs,
      monitor: nativePath('wharfd-monitor'),
    },
    log,
  );
  const bundles = join(config.state, 'io.containerd.runtime.v2.task');
  const shims = new ShimRuntime({
    ...kernel,
    ...{ log, bundles, journal: metadata.journal, address: config.grpc.address, streams: runtime.streams },
    allowLoggingPrograms: config.runtime.allow_logging_programs,
  });
  const volumes = new Volumes(join(config.root, 'volumes'), metadata.containers);
  const execution: Execution = createExecution({
    runtime: withShims(runtime, shims),
    findShim: shimFinder(config, kernel.programs),
    logs: runtime.logs,
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
    volumes,
    networks: new CniNetworks(kernel, {
      root: join(config.root, 'networks'),
      pins: join(config.state, 'netns'),
      configDir: config.network.config_dir,
      pluginDirs: config.network.plugin_dirs,
    }),
    host,
    bootId: host.bootId,
    platform: platformOfNode(process.arch),
    defaultSnapshotter: config.snapshotter,
    decodeOptions: decodeRuntimeOptions,
    cgroups: await openCgroups({ ...kernel, log }),
    bundleRoot: bundles,
    log,
  });
  return { runtime, shims, execution, volumes };
}
