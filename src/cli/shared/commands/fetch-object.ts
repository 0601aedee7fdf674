import { fetchObject } from '../../../client/remotes.js';
import { parsePlatform } from '../../../spec/platform.js';
import { only } from '../arguments.js';
import { defineCommand, type Command } from '../command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../credentials.js';
import { list, parseDurationMs, text } from '../options.js';
import { fullName } from '../reference.js';

/** @param words `fetch-object`, or `content fetch-object`. */
export const fetchObjectCommand = (words: string): Command =>
  defineCommand({
    usage: `${words} <ref>`,
    summary: 'Write one object of a registry to stdout; nothing is stored',
    options: {
      mediaType: list('--media-type <type>', 'types to accept; manifests and indexes by default, or any for a digest'),
      platform: text('--platform <os/arch>', 'choose inside an index', parsePlatform),
      ...REGISTRY_OPTIONS,
      timeout: text('--timeout <time>', 'give up after this time (CONTAINERD_FETCH_TIMEOUT)', parseDurationMs),
    },
    async run({ args, options, session, io, out, signal }) {
      const timeout = options.timeout ?? environmentTimeout(io.env['CONTAINERD_FETCH_TIMEOUT']);
      const request = {
        mediaTypes: options.mediaType,
        platform: options.platform,
        ...registryAccessOf(options, io),
        signal: timeout === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      };
      for await (const bytes of fetchObject(session(), fullName(only(args), out), request)) await out.bytes(bytes);
      return 0;
    },
  });

function environmentTimeout(value: string | undefined): number | undefined {
  return value === undefined || value === '' ? undefined : parseDurationMs(value);
}
