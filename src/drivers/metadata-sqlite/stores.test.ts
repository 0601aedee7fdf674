import { containerStoreSuite } from '../../../test/suites/container-store.js';
import { contentStoreSuite } from '../../../test/suites/content-store.js';
import { imageStoreSuite } from '../../../test/suites/image-store.js';
import { journalSuite } from '../../../test/suites/journal.js';
import { leaseAndNamespaceSuite } from '../../../test/suites/lease-store.js';
import { snapshotterSuite } from '../../../test/suites/snapshotter.js';
import { openLocalJournal } from '../../../test/support/journals.js';
import { openLocalStores } from '../../../test/support/stores.js';

// Collections are asked for explicitly, so that what a test stores without a root stays while it looks.
const open = (root: string) => openLocalStores(root, { collectDelayMs: 3_600_000 });

contentStoreSuite('content in SQLite', open);
imageStoreSuite('images in SQLite', open);
containerStoreSuite('containers in SQLite', open);
leaseAndNamespaceSuite('leases and namespaces in SQLite', open);
snapshotterSuite('snapshots in SQLite', open);
journalSuite('journal in SQLite', openLocalJournal);
