import { containerStoreSuite } from '../../test/suites/container-store.js';
import { contentStoreSuite } from '../../test/suites/content-store.js';
import { imageStoreSuite } from '../../test/suites/image-store.js';
import { journalSuite } from '../../test/suites/journal.js';
import { leaseAndNamespaceSuite } from '../../test/suites/lease-store.js';
import { snapshotterSuite } from '../../test/suites/snapshotter.js';
import { openSocketJournal } from '../../test/support/journals.js';
import { openSocketStores } from '../../test/support/socket-stores.js';

const open = (root: string) => openSocketStores(root, { collectDelayMs: 3_600_000 });

contentStoreSuite('content over the socket', open);
imageStoreSuite('images over the socket', open);
containerStoreSuite('containers over the socket', open);
leaseAndNamespaceSuite('leases and namespaces over the socket', open);
snapshotterSuite('snapshots over the socket', open);
journalSuite('journal over the socket', openSocketJournal);
