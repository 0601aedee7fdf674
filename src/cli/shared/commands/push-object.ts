import { pushObject } from '../../../client/remotes.js';
import { parseDigest } from '../../../spec/digest.js';
import { only } from '../arguments.js';
import { defineCommand, type Command } from '../command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../credentials.js';
import { text } from '../options.js';
import { fullName } from '../reference.js';

/** @param words `push-object`, or `content push-object`. */
export const pushObjectCommand = (words: string): Command =>
  defineCommand({
    usage: `${words} <ref> <digest> [media-type]`,
    summary: 'Upload one stored object to a repository; what it names must be there already',
    options: {
      ...REGISTRY_OPTIONS,
      mediaType: text('--media-type <type>', 'of the object; by default what it says itself'),
    },
    async run({ args, options, session, io, out, signal }) {
      const name = fullName(only(args), out);
      const digest = parseDigest(args[1] ?? '');
      const request = { ...registryAccessOf(options, io), mediaType: args[2] ?? options.mediaType, signal };
      const { mediaType, existed } = await pushObject(session(), name, digest, request);
      out.line(digest, mediaType, existed ? 'exists' : 'pushed');
      return 0;
    },
  });
