import { snapshotBackendSuite } from '../../../test/suites/snapshot-backend.js';
import { openNativeBackend } from './native-backend.js';

snapshotBackendSuite('native', openNativeBackend);
