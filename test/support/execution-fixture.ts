import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import { createBlobFiles } from '../../src/core/content/blob-files.js';
import { pooledApplier } from '../../src/core/diff/pooled-applier.js';
import { createExecution, type Execution } from '../../src/core/execution/execution.js';
import { readHostFacts } from '../../src/core/execution/host-facts.js';
import { RootfsView } from '../../src/core/execution/rootfs-view.js';
import type { RunRequest } from '../../src/core/execution/run.js';
import type { ProcessExit, Tasks } from '../../src/core/execution/tasks.js';
import { createRootfs } from '../../src/core/rootfs/create-rootfs.js';
import { openCgroups } from '../../src/drivers/cgroup-stats/cgroup-reader.js';
import { LocalBlobs } from '../../src/drivers/content-local/local-blobs.js';
import { openMetadata, type Metadata } from '../../src/drivers/metadata-sqlite/metadata.js';
import { createOciRuntime } from '../../src/drivers/runtime-oci/open-runtime.js';
import { openOverlayBackend } from '../../src/drivers/snapshot-overlay/overlay-backend.js';
import { openWorkerPool } from '../../src/drivers/worker-pool/worker-pool.js';
import { decodeRuntimeOptions } from '../../src/service/runtime-options.js';
import type { ProcessOptions } from '../../src/spec/process-options.js';
import { NO_SPEC_OPTIONS } from '../../src/spec/spec-options.js';
import { Volumes } from '../../src/core/volumes/volumes.js';
import { NO_NETWORKS } from './execution-fakes.js';
import { HOST_PLATFORM, type Image } from './image.js';
import { assertNothingLeft, killProcesses } from './leftovers.js';
import { kernel, MONITOR } from './runtime-fixture.js';
import { tempDir } from './temp-dir.js';
import { SOURCE_WORKER_URL } from './worker-url.js';

const LIMITS = {
  ...{ maxBytes: 2 ** 32, maxEntries: 100_000, maxRatio: 1000, ratioFloorBytes: 2 ** 26 },
  ...{ maxPathBytes: 4096, maxPathDepth: 256, maxPaxBytes: 2 ** 20 },
};

/** What differs from a run of the image as it is, detached and kept. */
export type RunWishes = Partial<Omit<RunRequest, 'process'>> & { readonly process?: Partial<ProcessOptions> };

/** What a process wrote, and how it ended. */
export interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exit: ProcessExit;
}

/** The execution on real parts, in this process: SQLite, overlay snapshots, workers, runc. */
export interface ExecutionFixture {
  readonly dir: string;
  readonly namespace: string;
  readonly execution: Execution;
  readonly metadata: Metadata;
  readonly tasks: Tasks;
  /** Puts an image where a pull would. */
  store(image: Image, name: string): Promise<void>;
  request(id: string, image: string, args: readonly string[], wishes?: RunWishes): RunRequest;
  /** Runs to the end with everything removed, as a foreground `ctr run` does. */
  foreground(id: string, image: string, args: readonly string[], wishes?: RunWishes): Promise<Outcome>;
  /** Runs an added process to its end. */
  exec(id: string, args: readonly string[], wishes?: Partial<ProcessOptions>): Promise<Outcome>;
  /** Snapshots, containers and tasks that are there. */
  inventory(): Promise<{ snapshots: number; containers: number; tasks: number }>;
}

/** When the test ends, nothing of it may be left: no process, mount, cgroup or FIFO. @param binary The OCI runtime. */
export async function executionFixture(
  t: TestContext,
  reaper: 'monitor' | 'daemon' = 'monitor',
  binary = 'runc',
): Promise<ExecutionFixture> {
  const down = new Teardown();
  t.after(() => down.run());
  const { path: dir } = down.own(await tempDir());
  const [root, state] = [join(dir, 'root'), join(dir, 'state')];
  await mkdir(root);
  await mkdir(state);
  const namespace = `x-${randomBytes(4).toString('hex')}`;
  const mine = { dirs: [dir], cgroupNames: [namespace], keepPids: [process.pid] };
  down.add(() => removeCgroups(namespace));
  down.add(() => killProcesses(mine));
  const { execution, metadata } = await assemble(root, state, { reaper, binary }, down);
  down.add(() => assertNothingLeft(mine));
  return fixtureOver({ dir, namespace, execution, metadata });
}

/** The directory that all containers of a namespace have in common stays when they go. */
async function removeCgroups(namespace: string): Promise<void> {
  for (const controller of await readdir('/sys/fs/cgroup')) {
    await rmdir(join('/sys/fs/cgroup', controller, namespace)).catch(() => undefined);
  }
}

async function assemble(
  root: string,
  state: string,
  { reaper, binary }: { readonly reaper: 'monitor' | 'daemon'; readonly binary: string },
  down: Teardown,
) {
  const pool = down.own(openWorkerPool(SOURCE_WORKER_URL, 1));
  const backend = await openOverlayBackend({
    pool,
    files: kernel.files,
    disks: kernel.disks,
    root: join(root, 'overlayfs'),
  });
  const blobs = await LocalBlobs.open(join(root, 'content'));
  const path = join(root, 'meta.db');
  const metadata = down.own(await openMetadata({ path, blobs, backends: [backend], log: SILENT }));
  const snapshotter = metadata.snapshotters.get(backend.name);
  if (!snapshotter) throw new Error('no overlay snapshotter');
  const blobFiles = createBlobFiles(metadata.content, () => Promise.resolve(join(root, 'spool')));
  const rootfs = createRootfs({
    ...{ content: metadata.content, blobFiles, snapshots: (scope) => snapshotter(scope), backends: [backend] },
    ...{
      defaultSnapshotter: backend.name,
      files: kernel.files,
      applier: pooledApplier(pool),
      pool,
      limits: LIMITS,
      platform: HOST_PLATFORM,
    },
  });
  const host = readHostFacts(join(dirname(MONITOR), 'wharfd-init'));
  const runtime = createOciRuntime(kernel, { state, binary, reaper, monitor: MONITOR }, SILENT);
  const { images, content, leases, containers, tasks, taskIndex: index, namespaces } = metadata;
  const execution = down.own(
    createExecution({
      ...{
        runtime,
        logs: runtime.logs,
        tasks,
        index,
        containers,
        namespaces,
        images,
        content,
        leases,
        rootfs,
        host,
        log: SILENT,
      },
      ...{
        snapshots: (scope) => snapshotter(scope),
        view: new RootfsView(kernel, join(state, 'scratch')),
        networks: NO_NETWORKS,
        volumes: new Volumes(join(root, 'volumes'), containers),
      },
      ...{ bootId: host.bootId, platform: HOST_PLATFORM, defaultSnapshotter: backend.name },
      cgroups: await openCgroups({ ...kernel, log: SILENT }),
      ...{ decodeOptions: decodeRuntimeOptions, bundleRoot: join(state, 'io.containerd.runtime.v2.task') },
    }),
  );
  await execution.recover();
  return { execution, metadata };
}

interface Opened {
  readonly dir: string;
  readonly namespace: string;
  readonly execution: Execution;
  readonly metadata: Metadata;
}

function fixtureOver({ dir, namespace, execution, metadata }: Opened): ExecutionFixture {
  const scope = { namespace };
  const tasks = execution.tasks(scope);
  const request: ExecutionFixture['request'] = (id, image, args, { process, ...wishes } = {}) => ({
    ...{
      id,
      image,
      snapshotter: '',
      runtime: { name: '' },
      labels: {},
      removeOnExit: false,
      attach: false,
      stdin: false,
    },
    ...{
      hostNetwork: false,
      readonlyRootfs: false,
      mounts: [],
      options: NO_SPEC_OPTIONS,
      rootfs: '',
      network: '',
      ports: [],
    },
    process: { ...PLAIN, args, ...process },
    ...wishes,
  });
  const collect = async (id: string, execId: string): Promise<Outcome> => {
    await using attached = await execution.attach(scope, id, execId);
    const parts = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    for await (const { stream, bytes } of attached.output) parts[stream].push(bytes);
    const exit = await attached.finish();
    return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr), exit };
  };
  return {
    ...{ dir, namespace, execution, metadata, tasks, request },
    store: (image, name) => storeImage(metadata, namespace, image, name),
    foreground: async (id, image, args, wishes) => {
      await execution.run(scope, { ...request(id, image, args, wishes), removeOnExit: true, attach: true });
      return await collect(id, '');
    },
    exec: async (containerId, args, wishes = {}) => {
      const wanted = { containerId, execId: '', process: { ...PLAIN, args, ...wishes }, attach: true, stdin: false };
      const { execId } = await execution.exec(scope, wanted);
      return await collect(containerId, execId);
    },
    inventory: async () => ({
      snapshots: (await metadata.snapshotters.get('overlayfs')?.(scope).list())?.length ?? 0,
      containers: (await metadata.containers(scope).list()).length,
      tasks: (await metadata.tasks(scope).list()).length,
    }),
  };
}

const PLAIN: ProcessOptions = {
  ...{ args: [], replaceEntrypoint: false, env: [], cwd: '', user: '', terminal: false, hostname: '' },
};

async function storeImage(metadata: Metadata, namespace: string, image: Image, name: string): Promise<void> {
  const lease = `image-${image.target.digest}`;
  await metadata.leases({ namespace }).create({ id: lease, labels: {} });
  const content = metadata.content({ namespace, lease });
  const documents = image.manifests.map(({ descriptor, bytes }) => [descriptor.digest, bytes] as const);
  for (const [digest, bytes] of [...image.blobs, ...documents]) {
    if (
      await content.info(digest).then(
        () => true,
        () => false,
      )
    )
      continue;
    await using writer = await content.writer(digest, { digest, size: bytes.length });
    await writer.write(bytes);
    await writer.commit();
  }
  await metadata.images({ namespace }).put({ name, target: image.target, labels: {} });
}
