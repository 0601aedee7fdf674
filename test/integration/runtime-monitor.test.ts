import { runtimeSuite } from '../suites/runtime.js';

runtimeSuite('monitor', { reaper: 'monitor' });
runtimeSuite('monitor with sanitizers', { reaper: 'monitor', asan: true });
