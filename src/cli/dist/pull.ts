import { pullImage } from '../../client/pull.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';
import { showProgress, type ProgressDisplay } from '../shared/progress.js';
import { fullName } from '../shared/reference.js';
import { FETCH_OPTIONS, fetchOptionsOf } from '../shared/fetch-options.js';

export const pull = defineCommand({
  usage: 'pull <ref...>',
  summary: 'Fetch images, unpack them and record their names',
  options: {
    ...FETCH_OPTIONS,
    snapshotter: text('--snapshotter <name>', 'such as overlayfs or native'),
    noUnpack: flag('--no-unpack', 'leave the layers packed'),
    quiet: flag('-q, --quiet', 'only the names and digests in the end'),
    json: flag('--json', 'an object a line: each report, and in the end the name and digest'),
  },
  run({ args, options, session, io, out, signal }) {
    const how = { ...fetchOptionsOf(options, io), snapshotter: options.snapshotter, unpack: !options.noUnpack, signal };
    const tell = (value: object): void => {
      out.line(JSON.stringify(value));
    };
    const display = (): ProgressDisplay => {
      if (options.quiet) return { update: () => undefined, [Symbol.dispose]: () => undefined };
      return options.json ? { update: tell, [Symbol.dispose]: () => undefined } : showProgress(io);
    };
    return forEach(args, out, async (typed) => {
      const name = fullName(typed, out);
      const image = await showing(display, (onProgress) => pullImage(session(), name, { ...how, onProgress }));
      if (options.json) tell(image);
      else out.line(image.name, image.digest);
    });
  },
});

/** The display is gone when the last line is printed. */
async function showing<T>(
  display: () => ProgressDisplay,
  work: (onProgress: ProgressDisplay['update']) => Promise<T>,
): Promise<T> {
  using progress = display();
  return await work(progress.update);
}
