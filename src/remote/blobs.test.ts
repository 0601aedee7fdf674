import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../base/teardown.js';
import { contentStoreSuite } from '../../test/suites/content-store.js';
import { openSocketStores } from '../../test/support/socket-stores.js';
import { openLocalStores, type Stores } from '../../test/support/stores.js';
import { RemoteBlobs } from './blobs.js';

const NEVER = { collectDelayMs: 3_600_000 };

/** Stores whose blobs are behind the socket of another store, where a daemon's own would be files. */
function open(root: string): Promise<Stores> {
  return Teardown.build(async (down) => {
    const far = join(root, 'far');
    await mkdir(far, { recursive: true });
    const { channel } = down.own(await openSocketStores(far, NEVER));
    const blobs = new RemoteBlobs(channel, 'far', 60_000);
    const stores = down.own(await openLocalStores(root, { ...NEVER, blobs }));
    return { ...stores, [Symbol.asyncDispose]: () => down.run() };
  });
}

contentStoreSuite('blobs of another program', open);
