import type { Program } from '../shared/program.js';
import { attach } from './attach.js';
import { commit, diff, fork, rename } from './changes.js';
import { cp } from './cp.js';
import { remove } from './delete.js';
import { events } from './events.js';
import { exec } from './exec.js';
import { CONTENT } from './groups/content.js';
import { EXECUTION } from './groups/execution.js';
import { IMAGES } from './groups/images.js';
import { METADATA } from './groups/metadata.js';
import { SNAPSHOTS } from './groups/snapshots.js';
import { VOLUMES } from './groups/volumes.js';
import { info } from './info.js';
import { kill } from './kill.js';
import { pause, prune, restart, resume, start, stop, wait } from './lifecycle.js';
import { list } from './list.js';
import { logs } from './logs.js';
import { create, run } from './run.js';
import { stats } from './stats.js';
import { top } from './top.js';
import { update } from './update.js';
import { version } from './version.js';

/** The program for containers. */
export const ctr: Program = {
  name: 'ctr',
  summary: 'Containers: run, look at and stop them',
  groups: {
    images: { summary: 'Images by their whole names', aliases: ['image', 'i'] },
    content: { summary: 'Stored blobs, and what is being written' },
    'content prune': { summary: 'Let go what is not needed' },
    snapshots: { summary: 'Layers, and what containers write', aliases: ['snapshot'] },
    containers: { summary: 'Stored containers, running or not', aliases: ['container', 'c'] },
    tasks: { summary: 'Processes of containers', aliases: ['task', 't'] },
    leases: { summary: 'What keeps objects from collection', aliases: ['lease'] },
    namespaces: { summary: 'Namespaces', aliases: ['namespace', 'ns'] },
    plugins: { summary: 'What the daemon is made of', aliases: ['plugin'] },
    volume: { summary: 'Named volumes', aliases: ['volumes'] },
  },
  commands: [
    run,
    exec,
    attach,
    logs,
    ...[create, start, stop, restart, wait, pause, resume, prune],
    kill,
    update,
    list,
    ...[top, stats],
    info,
    remove,
    cp,
    diff,
    commit,
    fork,
    rename,
    events,
    version,
    ...IMAGES,
    ...CONTENT,
    ...SNAPSHOTS,
    ...EXECUTION,
    ...METADATA,
    ...VOLUMES,
  ],
};
