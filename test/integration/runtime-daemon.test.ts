import { runtimeSuite } from '../suites/runtime.js';

runtimeSuite('daemon as reaper', { reaper: 'daemon' });
