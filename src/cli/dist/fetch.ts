import { fetchImage } from '../../client/pull.js';
import { only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { showProgress } from '../shared/progress.js';
import { fullName } from '../shared/reference.js';
import { FETCH_OPTIONS, fetchOptionsOf } from '../shared/fetch-options.js';

export const fetch = defineCommand({
  usage: 'fetch <ref>',
  summary: 'Fetch all that belongs to an image into the content store; no name, no snapshots',
  options: FETCH_OPTIONS,
  async run({ args, options, session, io, out, signal }) {
    const name = fullName(only(args), out);
    using progress = showProgress(io);
    await fetchImage(session(), name, { ...fetchOptionsOf(options, io), onProgress: progress.update, signal });
    return 0;
  },
});
