// Worker threads of Node 20 do not inherit the loader for TypeScript, so this one registers it first.
import { register } from 'tsx/esm/api';

register();
await import('../../src/daemon/worker.ts');
