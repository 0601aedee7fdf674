import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkStores,
  collectGarbage,
  explainObject,
  listContent,
  listImages,
  listIngests,
  openSession,
  type Session,
} from '../../src/client/index.js';
import type { TestDaemon } from './daemon.js';
import { assertUsageTrue, SNAPSHOTTERS } from './disk-truth.js';

/** What a daemon keeps in its test's namespace; each list is sorted. */
export interface Kept {
  readonly images: readonly string[];
  readonly digests: readonly string[];
  readonly snapshots: readonly string[];
}

/** Opens a session with the test's namespace. */
export function sessionOf(daemon: TestDaemon): Session {
  return openSession({ address: daemon.address, namespace: daemon.namespace });
}

export async function keptBy(session: Session): Promise<Kept> {
  const images: string[] = [];
  for await (const { name } of listImages(session)) images.push(name);
  const digests: string[] = [];
  for await (const { digest } of listContent(session)) digests.push(digest);
  const snapshots: string[] = [];
  for (const snapshotter of SNAPSHOTTERS) {
    const pages = session.service('containerd.services.snapshots.v1.Snapshots').list({ snapshotter });
    for await (const { info } of pages) snapshots.push(...info.map(({ name }) => name));
  }
  return { images: images.sort(), digests: digests.sort(), snapshots: snapshots.sort() };
}

/**
 * After a collection everything that is there has an owner, everything owned is whole, and the disk holds that and nothing else: no half
 * directory, no file without a row, no row without a file.
 */
export async function assertWhole(daemon: TestDaemon): Promise<Kept> {
  using session = sessionOf(daemon);
  await collectGarbage(session);
  const { findings } = await checkStores(session);
  assert.deepEqual(findings, []);
  const kept = await keptBy(session);
  for (const name of [...kept.digests, ...kept.snapshots]) {
    for (const { object, chains } of await explainObject(session, name)) {
      assert.ok(chains.length > 0, `${object.kind} ${object.key} has no owner`);
    }
  }
  const content = join(daemon.root, 'content');
  const hex = await readdir(join(content, 'blobs/sha256'));
  assert.deepEqual(hex.map((each) => `sha256:${each}`).sort(), kept.digests);
  // An ingest without a file has no bytes yet.
  assert.ok((await readdir(join(content, 'ingest'))).length <= (await listIngests(session)).length);
  for (const snapshotter of SNAPSHOTTERS) {
    const names = await readdir(join(daemon.root, snapshotter, 'snapshots'));
    assert.deepEqual(
      names.filter((name) => !/^\d+$/.test(name)),
      [],
    );
  }
  for (const scratch of ['apply', 'compare']) {
    assert.deepEqual(await readdir(join(daemon.root, scratch)).catch(() => []), [], scratch);
  }
  await assertUsageTrue(daemon);
  return kept;
}
