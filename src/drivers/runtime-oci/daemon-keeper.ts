import { DaemonError } from '../../base/errors.js';
import type { KeptProcess, ProcessKeeper } from './keeper.js';

/** The daemon as the parent of container processes. */
export class DaemonKeeper implements ProcessKeeper {
  launch(): Promise<KeptProcess> {
    return Promise.reject(new DaemonError('unimplemented', 'reaper "daemon" is not there yet: use "monitor"'));
  }

  recover(): Promise<KeptProcess | undefined> {
    return Promise.resolve(undefined);
  }
}
