import type { Program } from '../shared/program.js';
import { commit, diff, fork } from './changes.js';
import { remove } from './delete.js';
import { events } from './events.js';
import { exec } from './exec.js';
import { info } from './info.js';
import { kill } from './kill.js';
import { list } from './list.js';
import { run } from './run.js';
import { version } from './version.js';

/** The program for containers. */
export const ctr: Program = {
  name: 'ctr',
  summary: 'Containers: run, look at and stop them',
  commands: [run, exec, kill, list, info, remove, diff, commit, fork, events, version],
};
