import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../base/directory.js';
import { DaemonError } from '../../base/errors.js';
import { checkIdentifier } from '../../spec/identifier.js';
import type { SpecMount } from '../../spec/runtime-spec.js';
import type { ContainerStore } from '../containers/container-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';

/** A named directory that outlives the containers that have it. */
export interface Volume {
  readonly name: string;
  /** Absolute path on the host of what is in it. */
  readonly path: string;
  readonly createdAt: Date;
}

/** Named volumes: `<root>/<namespace>/<name>/data`. */
export class Volumes {
  readonly #root: string;
  readonly #containers: Scoped<Pick<ContainerStore, 'list'>>;

  constructor(root: string, containers: Scoped<Pick<ContainerStore, 'list'>>) {
    this.#root = root;
    this.#containers = containers;
  }

  /**
   * The mounts of a container with each volume (type `volume`, its name as source) as a bind of its directory, which is made where it is
   * not there yet.
   *
   * @throws invalid-argument: a name that is none.
   */
  async bound(scope: Scope, mounts: readonly SpecMount[]): Promise<readonly SpecMount[]> {
    return await Promise.all(
      mounts.map(async (mount) => {
        if (mount.type !== 'volume') return mount;
        const source = this.#data(scope, mount.source);
        await mkdir(source, { recursive: true, mode: 0o755 });
        return { ...mount, type: 'bind', source, options: ['rbind', ...mount.options] };
      }),
    );
  }

  /** Ordered by name. */
  async list(scope: Scope): Promise<readonly Volume[]> {
    const names = await namesIn(join(this.#root, scope.namespace));
    return await Promise.all(
      names.sort().map(async (name) => {
        const path = this.#data(scope, name);
        return { name, path, createdAt: (await stat(join(path, '..'))).birthtime };
      }),
    );
  }

  /** @throws not-found. failed-precondition: a container has it, running or not; it says which. */
  async remove(scope: Scope, name: string): Promise<void> {
    const path = this.#data(scope, name);
    if (!(await this.list(scope)).some((volume) => volume.name === name)) {
      throw new DaemonError(
        'not-found',
        `volume ${JSON.stringify(name)} is not there; "ctr volume ls" shows those that are`,
      );
    }
    const user = (await this.#containers(scope).list()).find(
      ({ spec }) => spec && sourcesOf(spec.value).includes(path),
    );
    if (user) {
      throw new DaemonError(
        'failed-precondition',
        `volume ${name} is in use by container ${user.id}: delete that first`,
      );
    }
    await rm(join(path, '..'), { recursive: true, force: true });
  }

  #data({ namespace }: Scope, name: string): string {
    return join(this.#root, checkIdentifier(namespace, 'namespace'), checkIdentifier(name, 'volume name'), 'data');
  }
}

function sourcesOf(spec: Uint8Array): readonly unknown[] {
  try {
    const { mounts } = JSON.parse(Buffer.from(spec).toString()) as { mounts?: unknown };
    return Array.isArray(mounts) ? mounts.map((mount: { source?: unknown } | null) => mount?.source) : [];
  } catch {
    return [];
  }
}
