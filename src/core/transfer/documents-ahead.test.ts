import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { digestOf } from '../../spec/digest.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { readDocument } from '../images/handlers/children.js';
import { DocumentsAhead, isAhead, type DocumentStore } from './documents-ahead.js';

const BYTES = Buffer.alloc(200_000, '{"layers":[]}');
const DOCUMENT: Descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(BYTES), size: BYTES.length };

/** A store that has nothing, and the labels that were set in it. */
function emptyStore() {
  const labelled: unknown[] = [];
  const store: DocumentStore = {
    open: () => Promise.reject(new DaemonError('not-found', 'it is not stored')),
    update: (digest, labels) => {
      labelled.push(labels);
      return Promise.resolve({ digest, size: 0, labels, createdAt: new Date(0), updatedAt: new Date(0) });
    },
  };
  return { ahead: new DocumentsAhead(store), labelled };
}

test('a document is read when its bytes are verified, and labelled when they are stored', async () => {
  const { ahead, labelled } = emptyStore();
  const stored = deferred<undefined>();
  const during = ahead.during(DOCUMENT, () => stored.promise.then(() => undefined));
  await assert.rejects(ahead.open(DOCUMENT.digest), /it is not stored/);
  ahead.verified(DOCUMENT, BYTES);
  await during;
  assert.ok(BYTES.equals(await readDocument(ahead, DOCUMENT)));
  await ahead.updateLater(DOCUMENT.digest, { a: '1' }, ['labels.a']);
  const update = ahead.update(DOCUMENT.digest, { b: '2' }, ['labels.b']);
  let finished = false;
  const finish = ahead.finish().then(() => {
    finished = true;
  });
  await new Promise(setImmediate);
  assert.deepEqual([labelled, finished], [[], false]);
  stored.resolve(undefined);
  await Promise.all([update, finish]);
  assert.deepEqual(labelled, [{ a: '1' }, { b: '2' }]);
  await assert.rejects(ahead.open(DOCUMENT.digest), /it is not stored/, 'the store has it from now on');
});

test('one that was there already is waited for', async () => {
  const { ahead, labelled } = emptyStore();
  await ahead.during(DOCUMENT, () => Promise.resolve());
  await ahead.updateLater(DOCUMENT.digest, { a: '1' }, ['labels.a']);
  assert.deepEqual(labelled, [{ a: '1' }]);
  await ahead.finish();
});

test('what goes wrong before is thrown at once, and afterwards it stops the rest', async () => {
  const broken = new DaemonError('data-loss', 'the disk is broken');
  const before = emptyStore().ahead;
  await assert.rejects(
    before.during(DOCUMENT, () => Promise.reject(broken)),
    broken,
  );
  const { ahead } = emptyStore();
  const stored = deferred<undefined>();
  const during = ahead.during(DOCUMENT, () => stored.promise.then(() => undefined));
  ahead.verified(DOCUMENT, BYTES);
  await during;
  assert.equal(ahead.failed.aborted, false);
  stored.reject(broken);
  await ahead[Symbol.asyncDispose]();
  assert.equal(ahead.failed.reason, broken);
  await assert.rejects(ahead.finish(), broken);
});

test('gone on with are documents that are not too large', () => {
  assert.equal(isAhead(DOCUMENT), true);
  assert.equal(isAhead({ ...DOCUMENT, size: 1 << 20 }), false);
  assert.equal(isAhead({ ...DOCUMENT, mediaType: MEDIA_TYPES.ociLayerGzip }), false);
});
