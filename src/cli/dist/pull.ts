import { pullImage } from '../../client/pull.js';
import { only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';
import { showProgress } from '../shared/progress.js';
import { fullName } from '../shared/reference.js';
import { FETCH_OPTIONS, fetchOptionsOf } from './fetch-options.js';

export const pull = defineCommand({
  usage: 'pull <ref>',
  summary: 'Fetch an image, unpack it and record its name',
  options: {
    ...FETCH_OPTIONS,
    snapshotter: text('--snapshotter <name>', 'such as overlayfs or native'),
    noUnpack: flag('--no-unpack', 'leave the layers packed'),
  },
  async run({ args, options, session, io, out, signal }) {
    const name = fullName(only(args), out);
    const image = await showing(io, (onProgress) =>
      pullImage(session(), name, {
        ...fetchOptionsOf(options, io),
        snapshotter: options.snapshotter,
        unpack: !options.noUnpack,
        onProgress,
        signal,
      }),
    );
    out.line(image.name, image.digest);
    return 0;
  },
});

async function showing<T>(
  io: Parameters<typeof showProgress>[0],
  work: (onProgress: ReturnType<typeof showProgress>['update']) => Promise<T>,
): Promise<T> {
  using progress = showProgress(io);
  return await work(progress.update);
}
