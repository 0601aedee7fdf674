import { contentStoreSuite } from '../../../test/suites/content-store.js';
import { openLocalStores } from '../../../test/support/stores.js';

// Collections are asked for explicitly here, so that what a test stores without a root stays while it looks.
contentStoreSuite('content in SQLite', (root) => openLocalStores(root, { collectDelayMs: 3_600_000 }));
