import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import type { Scope } from '../namespaces/scope.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';
import type { ExecutionPorts } from './parts.js';

interface TakenPorts extends Pick<ExecutionPorts, 'containers'> {
  readonly snapshots: (scope: Scope, snapshotter: string) => Snapshotter;
}

/** @throws already-exists: a container or a snapshot has the id. */
export async function refuseTaken(scope: Scope, ports: TakenPorts, id: string, snapshotter: string): Promise<void> {
  if (await ports.containers(scope).get(id).catch(undefinedIfMissing)) {
    throw new DaemonError(
      'already-exists',
      `container ${id} already exists: remove it with "ctr delete ${id}", or choose another id`,
    );
  }
  if (await ports.snapshots(scope, snapshotter).stat(id).catch(undefinedIfMissing)) {
    const [owner] = (await ports.containers(scope).list()).filter(({ snapshotKey: key }) => key === id);
    if (owner) {
      throw new DaemonError(
        'already-exists',
        `container ${owner.id} was called ${id} before, and its file system still is: choose another id`,
      );
    }
    throw new DaemonError(
      'already-exists',
      `snapshot ${id} of no container already exists in ${snapshotter}: choose another id`,
    );
  }
}

/** Ids whose containers are being made or renamed, so that nobody takes one, or what goes by it, from under another. */
export class IdClaims {
  readonly #claimed = new Set<string>();

  /** @throws already-exists: somebody else is at work with one of them. */
  claim({ namespace }: Scope, ...ids: readonly string[]): Disposable {
    const keys = ids.map((id) => `${namespace}/${id}`);
    const taken = ids.find((_, at) => this.#claimed.has(keys[at] ?? ''));
    if (taken !== undefined) {
      throw new DaemonError(
        'already-exists',
        `container ${taken} already exists: it is being made or renamed at this moment; choose another id`,
      );
    }
    for (const key of keys) this.#claimed.add(key);
    return {
      [Symbol.dispose]: () => {
        for (const key of keys) this.#claimed.delete(key);
      },
    };
  }
}
