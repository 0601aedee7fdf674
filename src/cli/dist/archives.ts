import { resolve } from 'node:path';
import { DaemonError } from '../../base/errors.js';
import { exportImages, importImages } from '../../client/archives.js';
import { parsePlatform } from '../../spec/platform.js';
import { bytesOf } from '../shared/arguments.js';
import { openArchive, writeArchive } from '../shared/archive-files.js';
import { defineCommand } from '../shared/command.js';
import type { Io } from '../shared/io.js';
import { flag, list, text } from '../shared/options.js';
import { storedName } from '../shared/reference.js';

const PLATFORM_OPTIONS = {
  platform: list('--platform <os/arch>', 'take this one out of an index (repeatable)'),
  allPlatforms: flag('--all-platforms', 'take all of them'),
};

export const save = defineCommand({
  usage: 'save <ref...>',
  summary: 'Write images to an archive that docker, podman and skopeo read, too; to stdout unless a file is named',
  options: { ...PLATFORM_OPTIONS, output: text('-o, --output <file>', 'it is there when it is whole') },
  async run({ args, options, session, io, out, signal }) {
    const names: string[] = [];
    for (const ref of args) names.push(await storedName(ref, { session, out, signal }));
    const { output, allPlatforms } = options;
    if (output === undefined && io.terminal) {
      throw new DaemonError(
        'invalid-argument',
        'an archive is not for a terminal: name a file by -o, or redirect stdout',
      );
    }
    const bytes = exportImages(session(), names, {
      ...{ platforms: options.platform.map(parsePlatform), allPlatforms, signal },
    });
    if (output === undefined) for await (const part of bytes) await out.bytes(part);
    else await writeArchive(resolve(io.cwd, output), bytes);
    return 0;
  },
});

/** A whole name, so that it is found by what is typed. */
const LOADED = 'docker.io/library/loaded';

export const load = defineCommand({
  usage: 'load',
  summary: 'Bring the images of an archive into the store and unpack them; from stdin unless a file is named',
  details:
    'Archives are OCI layouts and what docker save writes, packed by gzip or not. A name that another image has already is refused, and ' +
    'then nothing is named; --force gives it to the one of the archive. An image without a name is called loaded@DIGEST, and one that has a tag ' +
    'alone loaded:TAG (docker.io/library/loaded in whole).',
  options: {
    ...PLATFORM_OPTIONS,
    input: text('-i, --input <file>', 'the archive'),
    force: flag('-f, --force', 'take names away from other images'),
    noUnpack: flag('--no-unpack', 'leave the layers packed'),
    snapshotter: text('--snapshotter <name>', 'such as overlayfs or native'),
  },
  async run({ args: _, options, session, io, out, signal }) {
    const { input, force, snapshotter, allPlatforms } = options;
    const platforms = options.platform.map(parsePlatform);
    const names = await importImages(session(), bytesOf(await archiveOf(io, input)), {
      ...{ prefix: LOADED, digests: 'unnamed', keepNames: !force, unpack: !options.noUnpack },
      ...{ snapshotter, allPlatforms, signal },
      ...(platforms.length > 0 && { platforms }),
    });
    for (const name of names) out.line(name);
    return 0;
  },
});

async function archiveOf(io: Io, input: string | undefined): Promise<AsyncIterable<unknown>> {
  if (input === undefined && io.terminal) {
    throw new DaemonError('invalid-argument', 'there is no archive on stdin: name a file by -i, or pipe it in');
  }
  if (input === undefined) return io.stdin;
  return openArchive(resolve(io.cwd, input));
}
