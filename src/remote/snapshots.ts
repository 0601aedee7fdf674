import type { Mount } from '../core/kernel/mounts.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { SnapshotInfo, SnapshotKind, Snapshotter, SnapshotUsage } from '../core/snapshots/snapshotter.js';
import type { Channel } from '../rpc/channel.js';
import type { CallOptions, Incoming, ServiceClient } from '../rpc/handlers.js';
import { toSafeNumber } from '../rpc/int64.js';
import { dateOfTimestamp } from '../rpc/time.js';
import { DaemonError } from '../base/errors.js';
import type { Labels } from '../spec/labels.js';
import { answered, fromWireMount } from './conversions.js';

type Client = ServiceClient<'containerd.services.snapshots.v1.Snapshots'>;

/** One snapshotter of a daemon, over its socket. */
export function remoteSnapshots(channel: Channel, name: string): Scoped<Snapshotter> {
  const client = channel.service('containerd.services.snapshots.v1.Snapshots');
  return (scope) => new RemoteSnapshots(client, scope, name);
}

class RemoteSnapshots implements Snapshotter {
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #snapshotter: string;

  constructor(client: Client, scope: Scope, snapshotter: string) {
    this.#client = client;
    this.#scope = scope;
    this.#snapshotter = snapshotter;
  }

  async stat(key: string): Promise<SnapshotInfo> {
    return fromWireInfo((await this.#client.stat({ snapshotter: this.#snapshotter, key }, this.#scope)).info);
  }

  async update(key: string, labels: Labels, fieldPaths: readonly string[] = []): Promise<SnapshotInfo> {
    const request = {
      snapshotter: this.#snapshotter,
      info: { name: key, labels: { ...labels } },
      update_mask: { paths: [...fieldPaths] },
    };
    return fromWireInfo((await this.#client.update(request, this.#scope)).info);
  }

  async usage(key: string, signal?: AbortSignal): Promise<SnapshotUsage> {
    const request = { snapshotter: this.#snapshotter, key };
    const { size, inodes } = await this.#client.usage(request, this.#options(signal));
    return { size: toSafeNumber(size), inodes: toSafeNumber(inodes) };
  }

  async mounts(key: string): Promise<readonly Mount[]> {
    const { mounts } = await this.#client.mounts({ snapshotter: this.#snapshotter, key }, this.#scope);
    return mounts.map(fromWireMount);
  }

  async prepare(key: string, parent: string, labels: Labels = {}): Promise<readonly Mount[]> {
    const request = { snapshotter: this.#snapshotter, key, parent, labels: { ...labels } };
    return (await this.#client.prepare(request, this.#scope)).mounts.map(fromWireMount);
  }

  async view(key: string, parent: string, labels: Labels = {}): Promise<readonly Mount[]> {
    const request = { snapshotter: this.#snapshotter, key, parent, labels: { ...labels } };
    return (await this.#client.view(request, this.#scope)).mounts.map(fromWireMount);
  }

  async commit(name: string, key: string, labels: Labels = {}, signal?: AbortSignal): Promise<void> {
    const request = { snapshotter: this.#snapshotter, name, key, labels: { ...labels } };
    await this.#client.commit(request, this.#options(signal));
  }

  async remove(key: string): Promise<void> {
    await this.#client.remove({ snapshotter: this.#snapshotter, key }, this.#scope);
  }

  async list(filters: readonly string[] = []): Promise<readonly SnapshotInfo[]> {
    const infos: SnapshotInfo[] = [];
    const request = { snapshotter: this.#snapshotter, filters: [...filters] };
    for await (const { info } of this.#client.list(request, this.#scope)) infos.push(...info.map(fromWireInfo));
    return infos;
  }

  #options(signal: AbortSignal | undefined): CallOptions {
    return signal ? { ...this.#scope, signal } : this.#scope;
  }
}

function fromWireInfo(wire: Incoming<'containerd.services.snapshots.v1.Info'> | null): SnapshotInfo {
  const { name, parent, kind, created_at, updated_at, labels } = answered(wire, 'info');
  return {
    name,
    parent,
    kind: fromWireKind(kind),
    labels,
    createdAt: answered(dateOfTimestamp(created_at), 'time'),
    updatedAt: answered(dateOfTimestamp(updated_at), 'time'),
  };
}

function fromWireKind(kind: string): SnapshotKind {
  const known = kind.toLowerCase();
  if (known === 'active' || known === 'view' || known === 'committed') return known;
  throw new DaemonError('internal', `the daemon has answered with a snapshot of the kind ${kind}`);
}
