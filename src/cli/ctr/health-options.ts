import type { RunRequest } from '../../client/execution.js';
import { flag, parseCount, parseDurationMs, text, type OptionValues } from '../shared/options.js';

/** How a container's health is looked after, as users of `docker run` type it. */
export const HEALTH_OPTIONS = {
  healthCmd: text('--health-cmd <command>', 'run in it again and again; its exit code 0 is health'),
  healthInterval: text('--health-interval <time>', 'between two of these (30s)', parseDurationMs),
  healthTimeout: text('--health-timeout <time>', 'that one may take (30s)', parseDurationMs),
  healthRetries: text('--health-retries <number>', 'failures in a row that make it unhealthy (3)', parseCount),
  healthStartPeriod: text('--health-start-period <time>', 'in which failures do not count (0s)', parseDurationMs),
  healthStartInterval: text('--health-start-interval <time>', 'between two in that time (5s)', parseDurationMs),
  noHealthcheck: flag('--no-healthcheck', 'none, whatever the image says'),
};

export function healthOf(options: OptionValues<typeof HEALTH_OPTIONS>): Pick<RunRequest, 'health'> {
  const { healthCmd, healthInterval, healthTimeout, healthRetries, healthStartPeriod, healthStartInterval } = options;
  return {
    health: {
      none: options.noHealthcheck,
      ...(healthCmd !== undefined && { command: healthCmd }),
      ...(healthInterval !== undefined && { interval: String(healthInterval) }),
      ...(healthTimeout !== undefined && { timeout: String(healthTimeout) }),
      ...(healthStartPeriod !== undefined && { start_period: String(healthStartPeriod) }),
      ...(healthStartInterval !== undefined && { start_interval: String(healthStartInterval) }),
      ...(healthRetries !== undefined && { retries: healthRetries }),
    },
  };
}
