import { parsePlatform } from '../../spec/platform.js';
import { REGISTRY_OPTIONS, registryAccessOf } from './credentials.js';
import type { Io } from './io.js';
import { flag, list, type OptionValues } from './options.js';

/** Options of all commands that fetch images. */
export const FETCH_OPTIONS = {
  platform: list('--platform <os/arch>', 'platform to take out of an index (repeatable)'),
  allPlatforms: flag('--all-platforms', 'take all of them'),
  ...REGISTRY_OPTIONS,
};

/** What they mean for the client library. */
export function fetchOptionsOf(options: OptionValues<typeof FETCH_OPTIONS>, io: Io) {
  const { platform, allPlatforms } = options;
  return { platforms: platform.map(parsePlatform), allPlatforms, ...registryAccessOf(options, io) };
}
