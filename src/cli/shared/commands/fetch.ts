import { fetchImage } from '../../../client/pull.js';
import { only } from '../arguments.js';
import { defineCommand, type Command } from '../command.js';
import { showProgress } from '../progress.js';
import { fullName } from '../reference.js';
import { FETCH_OPTIONS, fetchOptionsOf } from '../fetch-options.js';

/** @param words `fetch`, or `content fetch`. */
export const fetchCommand = (words: string): Command =>
  defineCommand({
    usage: `${words} <ref>`,
    summary: 'Fetch all that belongs to an image into the content store; no name, no snapshots',
    options: FETCH_OPTIONS,
    async run({ args, options, session, io, out, signal }) {
      const name = fullName(only(args), out);
      using progress = showProgress(io);
      await fetchImage(session(), name, { ...fetchOptionsOf(options, io), onProgress: progress.update, signal });
      return 0;
    },
  });
