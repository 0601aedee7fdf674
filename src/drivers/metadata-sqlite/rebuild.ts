import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushDirectory } from '../../base/durable.js';
import { DaemonError, isErrno, isKind, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { BlobStore } from '../../core/content/blob-store.js';
import { algorithmOf, finishDigest, hasherOf, type Digest } from '../../spec/digest.js';
import { LABELS } from '../../spec/labels.js';
import type { Database } from './database.js';
import { openDatabase } from './open-database.js';
import { salvage } from './salvage.js';
import { ensureNamespace, toJson } from './shared.js';

/** Where blobs go whose namespace is lost: the one that clients use unless told otherwise. */
const HEIR = 'default';
/** Content without an image stays for so long, for images to be pulled again without their bytes. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Opens the database. A broken one is set aside, and a new one takes over what can still be read of it.
 *
 * @param root Of a root that was used before a missing database is a lost one.
 * @throws As openDatabase, but for damage.
 */
export async function openOrRebuild(
  path: string,
  root: 'new' | 'known',
  log: Logger,
): Promise<{ readonly db: Database; readonly rebuilt: boolean }> {
  try {
    const db = await openDatabase(path, log);
    const rebuilt = root === 'known' && isEmpty(db);
    return { db, rebuilt };
  } catch (error) {
    if (!isKind(error, 'data-loss')) throw error;
    const broken = await setAside(path);
    log.error(
      { path, broken, error: messageOf(error) },
      'the database is broken: it was set aside, and is rebuilt from what can be read of it and from what is on disk',
    );
    const db = await openDatabase(path, log);
    try {
      const { rows, incomplete } = salvage(db, broken);
      log.warn({ rows, incomplete, broken }, 'took over what could be read of the broken database');
      return { db, rebuilt: true };
    } catch (cause) {
      db[Symbol.dispose]();
      throw cause;
    }
  }
}

/** Nothing was ever done with it. */
function isEmpty(db: Database): boolean {
  const found = db.sql('SELECT 1 FROM namespaces LIMIT 1').get() ?? db.sql('SELECT 1 FROM sqlite_sequence').get();
  return found === undefined;
}

/** A point in time as part of a file name. */
export function timeInName(time: Date): string {
  return time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** The files of a database belong together. */
async function setAside(path: string): Promise<string> {
  const broken = `${path}.broken-${timeInName(new Date())}`;
  for (const suffix of ['-wal', '-shm', '']) {
    await rename(path + suffix, broken + suffix).catch((cause: unknown) => {
      if (!isErrno(cause, 'ENOENT')) throw cause;
    });
  }
  await flushDirectory(dirname(path));
  return broken;
}

/**
 * Names the blobs on disk that no row names, where their bytes are those of their digest; others are left to the collector. They stay
 * for a week without an image, so that pulling the images again finds them.
 */
export async function takeInBlobs(db: Database, blobs: BlobStore, log: Logger): Promise<void> {
  const expire = new Date(Date.now() + KEPT_MS).toISOString();
  let [taken, altered] = [0, 0];
  for await (const digest of blobs.blobs()) {
    if (db.sql('SELECT 1 FROM blobs WHERE digest = ?').get(digest) !== undefined) continue;
    const size = await wholeSize(blobs, digest);
    if (size === undefined) {
      altered += 1;
      continue;
    }
    taken += 1;
    const now = Date.now();
    db.change(() => {
      ensureNamespace(db, HEIR);
      db.sql(
        'INSERT INTO blobs (namespace, digest, size, labels, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?)',
      ).run(HEIR, digest, size, toJson({ [LABELS.gcExpire]: expire }), now, now);
    });
  }
  if (taken + altered === 0) return;
  log.warn(
    { taken, altered, namespace: HEIR, until: expire },
    'content found on disk was verified and taken in: pull the images again to have their names',
  );
}

/** Bytes of the blob; undefined when they are not those of its digest. */
async function wholeSize(blobs: BlobStore, digest: Digest): Promise<number | undefined> {
  const algorithm = algorithmOf(digest);
  const hash = hasherOf(algorithm);
  try {
    await using blob = await blobs.open(digest);
    for await (const { bytes } of blob.chunks()) hash.update(bytes);
    return finishDigest(algorithm, hash) === digest ? blob.size : undefined;
  } catch (error) {
    if (error instanceof DaemonError || isErrno(error, 'EIO')) return undefined;
    throw error;
  }
}
