import { DaemonError, isKind, undefinedIfMissing } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { ContentStore } from '../content/content-store.js';
import type { Comparer } from '../diff/comparer.js';
import type { ListedChange } from '../diff/layer-tasks.js';
import type { Tasks } from '../execution/tasks.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { withTrees, type BasePorts, type ContainerTrees } from './base-tree.js';
import { documentsOf, type NewDocument } from './committed-image.js';
import { forkContainer, type ForkPorts } from './fork.js';
import { withNamedTrees, type NamedTrees } from './named-trees.js';

export interface CommitRequest {
  /** The container. */
  readonly id: string;
  /** Name of the image that is made or replaced. */
  readonly image: string;
  readonly author: string;
  readonly comment: string;
  /** Pause a running container for the time. */
  readonly pause: boolean;
  readonly signal?: AbortSignal;
}

export interface ChangesPorts extends Omit<BasePorts, 'snapshots'>, ForkPorts {
  readonly comparer: Comparer;
  readonly tasks: Scoped<Tasks>;
}

/** What containers have changed in the file system of their image. All throw not-found for a container that is not there. */
export interface ContainerChanges {
  /** Directories before what is in them. @throws failed-precondition: the image's name stands for another one by now. */
  diff(scope: Scope, id: string, signal?: AbortSignal): Promise<readonly ListedChange[]>;
  /** As `diff`, of any two file systems. @throws not-found: nothing has one of the names, or an image is not unpacked. */
  compare(scope: Scope, names: NamedTrees, signal?: AbortSignal): Promise<readonly ListedChange[]>;
  /**
   * Makes an image of the container's image and one more layer.
   *
   * @returns Its manifest.
   * @throws As `diff` and Comparer.diff.
   */
  commit(scope: Scope, request: CommitRequest): Promise<Descriptor>;
  /**
   * Makes a container `newId` like another, whose file system starts as that one's is now.
   *
   * @throws already-exists: `newId`. failed-precondition: the container's process runs.
   */
  fork(scope: Scope, id: string, newId: string): Promise<void>;
}

export function createContainerChanges(ports: ChangesPorts): ContainerChanges {
  return {
    diff: (scope, id, signal) =>
      withTrees(ports, scope, id, ({ left, right }) => ports.comparer.changes(left, right, signal)),
    compare: (scope, names, signal) =>
      withNamedTrees(ports, scope, names, (left, right) => ports.comparer.changes(left, right, signal)),
    commit: (scope, request) => withTrees(ports, scope, request.id, (trees) => commit(ports, trees, request)),
    fork: (scope, id, newId) => forkContainer(ports, scope, id, newId),
  };
}

async function commit(ports: ChangesPorts, trees: ContainerTrees, request: CommitRequest): Promise<Descriptor> {
  const { scope, image: base, left, right, container } = trees;
  if (request.image === '') throw new DaemonError('invalid-argument', 'name the image that is to be made');
  const { signal } = request;
  const content = ports.content(scope);
  const layer = await whilePaused(ports.tasks(scope), request, () =>
    ports.comparer.diff(scope, left, right, signal ? { signal } : {}),
  );
  const { author, comment } = request;
  const step = { created: new Date(), createdBy: `ctr commit ${container.id}`, author, comment };
  const { config, manifest } = await documentsOf(content, base, layer, step, ports.platform);
  await store(content, config);
  await store(content, manifest);
  await ports.images(scope).put({ name: request.image, target: manifest.descriptor, labels: {} });
  return manifest.descriptor;
}

/** Nothing is paused that does not run. What is paused goes on whatever comes of the work. */
async function whilePaused<T>(tasks: Tasks, { id, pause }: CommitRequest, work: () => Promise<T>): Promise<T> {
  const task = pause ? await tasks.get(id, '').catch(undefinedIfMissing) : undefined;
  if (task?.status !== 'running') return await work();
  await tasks.pause(id);
  try {
    return await work();
  } finally {
    await tasks.resume(id).catch(undefinedIfMissing);
  }
}

async function store(content: ContentStore, { descriptor, bytes, labels }: NewDocument): Promise<void> {
  const { digest, size } = descriptor;
  try {
    await using writer = await content.writer(`commit-${digest}`, { digest, size });
    await writer.truncate(0);
    await writer.write(bytes);
    await writer.commit({ digest, size }, labels);
  } catch (cause) {
    if (!isKind(cause, 'already-exists')) throw cause;
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    if (paths.length > 0) await content.update(digest, labels, paths);
  }
}
