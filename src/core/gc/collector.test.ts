import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../../base/abort.js';
import { SILENT, type Logger } from '../../base/logger.js';
import { Collector } from './collector.js';
import type { Collectable, RemovedBytes } from './graph.js';

const NOTHING: RemovedBytes = { files: 0, layers: 0, bytes: 0 };

/** Stores whose runs end when the test says so. */
class SlowStores implements Collectable {
  runs = 0;
  started = deferred<number>();
  #going = deferred<undefined>();

  removeNames(): Promise<readonly []> {
    return Promise.resolve([]);
  }

  async removeBytes(): Promise<RemovedBytes> {
    this.runs += 1;
    this.started.resolve(this.runs);
    await this.#going.promise;
    return NOTHING;
  }

  /** Ends the present run; resolves when the next has begun. */
  finish(): Promise<number> {
    const { resolve } = this.#going;
    this.#going = deferred();
    this.started = deferred();
    resolve(undefined);
    return this.started.promise;
  }
}

test('a run that is waited for has started after the call, and is shared by all who wait', async () => {
  const stores = new SlowStores();
  await using collector = new Collector(stores, { log: SILENT, delayMs: 1 });
  const first = collector.run();
  assert.equal(await stores.started.promise, 1);
  const later = [collector.run(), collector.run(), collector.run()];
  const second = stores.finish();
  await first;
  assert.equal(await second, 2);
  void stores.finish();
  await Promise.all(later);
  assert.equal(stores.runs, 2);
});

test('requests make one run, and one that goes wrong is logged and followed by others', async () => {
  const told = deferred<string>();
  const log: Logger = { ...SILENT, error: (fields, text) => told.resolve(`${text}: ${JSON.stringify(fields)}`) };
  let runs = 0;
  const again = deferred<undefined>();
  const stores: Collectable = {
    removeNames() {
      runs += 1;
      if (runs === 1) throw new Error('disk on fire');
      again.resolve(undefined);
      return Promise.resolve([]);
    },
    removeBytes: () => Promise.resolve(NOTHING),
  };
  await using collector = new Collector(stores, { log, delayMs: 1 });
  for (let count = 0; count < 10; count += 1) collector.request();
  assert.match(await told.promise, /garbage collection went wrong.*disk on fire/);
  assert.equal(runs, 1);
  collector.request();
  await again.promise;
});

test('a run that has begun since answers what was asked for before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const stores: Collectable = {
    removeNames() {
      runs += 1;
      return Promise.resolve([]);
    },
    removeBytes: () => Promise.resolve(NOTHING),
  };
  await using collector = new Collector(stores, { log: SILENT, delayMs: 20 });
  collector.request();
  await collector.run();
  t.mock.timers.tick(60_000);
  await Promise.resolve();
  assert.equal(runs, 1);
});

test('an idle daemon collects by the clock', async () => {
  const third = deferred<undefined>();
  let runs = 0;
  const stores: Collectable = {
    removeNames() {
      runs += 1;
      if (runs === 3) third.resolve(undefined);
      return Promise.resolve([]);
    },
    removeBytes: () => Promise.resolve(NOTHING),
  };
  const alive = setInterval(() => undefined, 1000); // the collector's own clock keeps no process alive
  await using _ = new Collector(stores, { log: SILENT, delayMs: 1, intervalMs: 5 });
  await third.promise;
  clearInterval(alive);
});

test('disposing waits for the run, and nothing starts afterwards', async () => {
  const stores = new SlowStores();
  const collector = new Collector(stores, { log: SILENT, delayMs: 1 });
  const run = collector.run();
  await stores.started.promise;
  const next = collector.run();
  const disposed = collector[Symbol.asyncDispose]();
  void stores.finish();
  await run;
  await disposed;
  await assert.rejects(next, { name: 'AbortError' });
  collector.request();
  assert.equal(stores.runs, 1);
});
