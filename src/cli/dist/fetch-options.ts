import { parsePlatform } from '../../spec/platform.js';
import { flag, list, type OptionValues } from '../shared/options.js';

/** Options of all commands that fetch images. */
export const FETCH_OPTIONS = {
  platform: list('--platform <os/arch>', 'platform to take out of an index (repeatable)'),
  allPlatforms: flag('--all-platforms', 'take all of them'),
  plainHttp: flag('--plain-http', 'http for any registry (loopback hosts are spoken to over http anyway)'),
};

/** What they mean for the client library. */
export function fetchOptionsOf(options: OptionValues<typeof FETCH_OPTIONS>) {
  const { platform, allPlatforms, plainHttp } = options;
  return { platforms: platform.map(parsePlatform), allPlatforms, plainHttp };
}
