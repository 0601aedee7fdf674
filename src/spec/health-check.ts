import { DaemonError } from '../base/errors.js';
import type { Fields } from './fields.js';

/** How it is found out whether a container does its work (Docker's HEALTHCHECK). */
export interface HealthCheck {
  /** The command, whose exit code 0 means health. */
  readonly args: readonly string[];
  /** Milliseconds between two runs of it. */
  readonly intervalMs: number;
  /** Milliseconds after which a run has failed. */
  readonly timeoutMs: number;
  /** Milliseconds after the start in which failures don't count. */
  readonly startPeriodMs: number;
  /** Milliseconds between two runs in that time. */
  readonly startIntervalMs: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
}

/** What a user says of it; what is absent is the image's. */
export interface HealthOptions {
  /** No check, whatever the image says. */
  readonly none?: boolean;
  /** Run by `/bin/sh -c`. */
  readonly command?: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5000, retries: 3 };
/** An image may not have its command run all the time. */
const PAUSE_MS_LEAST = 100;
const MS_MOST = 2 ** 31 - 1;
const NS_PER_MS = 1_000_000;
const RETRIES_MOST = 1000;
const SHELL = ['/bin/sh', '-c'];

/** The check that an image config has (Docker image-spec v1.2, "Healthcheck"); undefined for none, or one that can't be understood. */
export function readHealthCheck(config: Fields): HealthCheck | undefined {
  try {
    const fields = config.object('Healthcheck');
    return fields && parse(fields);
  } catch (error) {
    // The image runs without it as well.
    if (error instanceof DaemonError) return undefined;
    throw error;
  }
}

function parse(fields: Fields): HealthCheck | undefined {
  const [kind, ...rest] = fields.texts('Test');
  if ((kind !== 'CMD' && kind !== 'CMD-SHELL') || rest.length === 0) return undefined;
  const ms = (key: string): number | undefined => {
    const ns = fields.has(key) ? fields.size(key) : 0;
    return ns === 0 ? undefined : Math.ceil(ns / NS_PER_MS);
  };
  const options = {
    intervalMs: ms('Interval'),
    timeoutMs: ms('Timeout'),
    startPeriodMs: ms('StartPeriod'),
    startIntervalMs: ms('StartInterval'),
    retries: fields.has('Retries') ? fields.size('Retries') || undefined : undefined,
  };
  return bounded({ args: kind === 'CMD' ? rest : [...SHELL, ...rest.slice(0, 1)], ...filled(options, DEFAULTS) });
}

/** The image's check as the user wants it; undefined for none. @throws invalid-argument: times or numbers that can't be. */
export function chosenHealthCheck(
  image: HealthCheck | undefined,
  options: HealthOptions = {},
): HealthCheck | undefined {
  const { none, command, ...times } = options;
  if (none) {
    if (command === undefined) return undefined;
    throw new DaemonError('invalid-argument', 'a health check can be given, or none be wanted, but not both');
  }
  const args = command === undefined ? image?.args : [...SHELL, command];
  if (args !== undefined) return bounded({ args, ...filled(checked(times), image ?? DEFAULTS) });
  if (Object.keys(times).length === 0) return undefined;
  throw new DaemonError('invalid-argument', 'the image has no health check: say by what command it is done');
}

function checked(times: Partial<Times>): Partial<Times> {
  const { retries = 1, timeoutMs = 1 } = times;
  if (retries >= 1 && timeoutMs >= 1) return times;
  throw new DaemonError('invalid-argument', 'a health check needs at least one try and some time for it');
}

type Times = Omit<HealthCheck, 'args'>;

function filled(given: { readonly [K in keyof Times]?: number | undefined }, others: Times): Times {
  return {
    intervalMs: given.intervalMs ?? others.intervalMs,
    timeoutMs: given.timeoutMs ?? others.timeoutMs,
    startPeriodMs: given.startPeriodMs ?? others.startPeriodMs,
    startIntervalMs: given.startIntervalMs ?? others.startIntervalMs,
    retries: given.retries ?? others.retries,
  };
}

function bounded(check: HealthCheck): HealthCheck {
  const between = (ms: number, least: number): number => Math.min(Math.max(ms, least), MS_MOST);
  return {
    args: check.args,
    intervalMs: between(check.intervalMs, PAUSE_MS_LEAST),
    timeoutMs: between(check.timeoutMs, 1),
    startPeriodMs: between(check.startPeriodMs, 0),
    startIntervalMs: between(check.startIntervalMs, PAUSE_MS_LEAST),
    retries: Math.min(check.retries, RETRIES_MOST),
  };
}
