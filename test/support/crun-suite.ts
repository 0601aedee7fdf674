import { runtimeSuite } from '../suites/runtime.js';

runtimeSuite('crun, monitor', { reaper: 'monitor', binary: 'crun' });
runtimeSuite('crun, daemon', { reaper: 'daemon', binary: 'crun' });
