import { parsePlatform } from '../../spec/platform.js';
import { HOST_PLATFORM } from '../../client/platforms.js';
import { pushImage, tagImage } from '../../client/push.js';
import { forEach, only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../shared/credentials.js';
import { DaemonError, isKind } from '../../base/errors.js';
import { flag, text } from '../shared/options.js';
import { showProgress } from '../shared/progress.js';
import { fullName, storedName } from '../shared/reference.js';

export const push = defineCommand({
  usage: 'push <ref> [target]',
  summary: 'Upload an image to its registry, or to the one of the target',
  options: {
    ...REGISTRY_OPTIONS,
    platform: text('--platform <os/arch>', "the manifest to push; this machine's by default", parsePlatform),
    allPlatforms: flag('--all-platforms', 'the index with all of them'),
  },
  async run({ args, options, session, io, out, signal }) {
    const image = await storedName(only(args), { session, out, signal });
    const [, typed] = args;
    const reference = typed === undefined ? image : fullName(typed, out);
    const platform = options.allPlatforms ? undefined : (options.platform ?? HOST_PLATFORM);
    using progress = showProgress(io);
    const access = registryAccessOf(options, io);
    await pushImage(session(), image, reference, { ...access, platform, onProgress: progress.update, signal });
    return 0;
  },
});

export const tag = defineCommand({
  usage: 'tag <ref> <name...>',
  summary: 'Give an image further names',
  options: { force: flag('-f, --force', 'also take a name away from another image') },
  async run({ args, options, session, out, signal }) {
    const image = await storedName(only(args), { session, out, signal });
    const images = session().service('containerd.services.images.v1.Images');
    const targetOf = async (name: string): Promise<string | undefined> => {
      const { image: found } = await images.get({ name }, { signal });
      return found?.target?.digest;
    };
    return forEach(args.slice(1), out, async (typed) => {
      const name = fullName(typed, out);
      const before = await targetOf(name).catch((error: unknown) => {
        if (isKind(error, 'not-found')) return undefined;
        throw error;
      });
      if (before !== undefined && !options.force && before !== (await targetOf(image))) {
        throw new DaemonError(
          'already-exists',
          `image ${name} is there already, as ${before}; --force takes the name away from it`,
        );
      }
      await tagImage(session(), image, name, signal);
      out.line(name);
    });
  },
});
