import { editCommand } from '../shared/commands/edit.js';
import { fetchCommand } from '../shared/commands/fetch.js';
import { fetchObjectCommand } from '../shared/commands/fetch-object.js';
import { pushObjectCommand } from '../shared/commands/push-object.js';
import type { Program } from '../shared/program.js';
import { active } from './active.js';
import { load, save } from './archives.js';
import { apply } from './apply.js';
import { remove } from './delete.js';
import { df } from './df.js';
import { diff } from './diff.js';
import { fsck } from './fsck.js';
import { selftest } from './selftest.js';
import { gc } from './gc.js';
import { get } from './get.js';
import { history } from './history.js';
import { images } from './images.js';
import { ingest } from './ingest.js';
import { inspect, manifest } from './inspect.js';
import { list } from './list.js';
import { login, logout } from './login.js';
import { mount, unmount } from './mount.js';
import { prune } from './prune.js';
import { pull } from './pull.js';
import { push, tag } from './push.js';
import { referrers } from './referrers.js';
import { rmi } from './rmi.js';
import { mounts, prepare, removal, unpack } from './rootfs.js';
import { why } from './why.js';

/** The program for images and what they are made of. */
export const dist: Program = {
  name: 'dist',
  summary: 'Distribution: pull, list and delete images and their content',
  groups: { rootfs: { summary: 'Unpacked images, step by step' } },
  commands: [
    pull,
    fetchCommand('fetch'),
    fetchObjectCommand('fetch-object'),
    push,
    pushObjectCommand('push-object'),
    tag,
    login,
    logout,
    images,
    inspect,
    manifest,
    history,
    referrers,
    save,
    load,
    rmi,
    list,
    active,
    get,
    ingest,
    remove,
    editCommand('dist', 'edit'),
    apply,
    unpack,
    prepare,
    mounts,
    removal,
    mount,
    unmount,
    diff,
    df,
    why,
    gc,
    prune,
    fsck,
    selftest,
  ],
};
