import { DaemonError } from '../base/errors.js';
import { toBigInt } from './int64.js';

/** A google.protobuf.Timestamp as it leaves the codec. */
export interface WireTimestamp {
  readonly seconds: string;
  readonly nanos: number;
}

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
/** Years 1 to 9999: what a Timestamp may hold. */
const SECONDS_MIN = -62_135_596_800n;
const SECONDS_MAX = 253_402_300_799n;

/** Nanoseconds since 1970 as a Timestamp. @throws out-of-range: not in the years 1 to 9999. */
export function timestampOfNs(ns: bigint): WireTimestamp {
  const nanos = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const seconds = (ns - nanos) / NS_PER_SECOND;
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) {
    throw new DaemonError('out-of-range', `${ns} ns since 1970 is outside the years 1 to 9999`);
  }
  return { seconds: seconds.toString(), nanos: Number(nanos) };
}

/** A Timestamp as nanoseconds since 1970; undefined when it is missing. @throws invalid-argument: nanos not in 0 to 999999999. */
export function nsOfTimestamp(timestamp: WireTimestamp | null | undefined): bigint | undefined {
  if (!timestamp) return undefined;
  if (timestamp.nanos < 0 || BigInt(timestamp.nanos) >= NS_PER_SECOND) {
    throw new DaemonError('invalid-argument', `timestamp with ${timestamp.nanos} ns`);
  }
  return toBigInt(timestamp.seconds) * NS_PER_SECOND + BigInt(timestamp.nanos);
}

/** A Date, exact to its millisecond, as a Timestamp; null when it is missing. */
export function timestampOfDate(date: Date): WireTimestamp;
export function timestampOfDate(date: Date | undefined): WireTimestamp | null;
export function timestampOfDate(date: Date | undefined): WireTimestamp | null {
  return date ? timestampOfNs(BigInt(date.getTime()) * NS_PER_MS) : null;
}

/** A Timestamp as a Date, cut to milliseconds; undefined when it is missing. */
export function dateOfTimestamp(timestamp: WireTimestamp | null | undefined): Date | undefined {
  const ns = nsOfTimestamp(timestamp);
  if (ns === undefined) return undefined;
  const below = ((ns % NS_PER_MS) + NS_PER_MS) % NS_PER_MS;
  return new Date(Number((ns - below) / NS_PER_MS));
}

const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 text as a Timestamp, all nine decimals kept. @throws invalid-argument. */
export function timestampOfIso(text: string): WireTimestamp {
  const [, whole, fraction = '', zone] = ISO.exec(text) ?? [];
  const ms = whole && zone ? Date.parse(whole + zone) : NaN;
  if (Number.isNaN(ms)) throw new DaemonError('invalid-argument', `${JSON.stringify(text)} is no RFC 3339 time`);
  return timestampOfNs(BigInt(ms) * NS_PER_MS + BigInt(fraction.padEnd(9, '0')));
}

/** A Timestamp as RFC 3339 text in UTC; decimals only as many as needed. */
export function isoOfTimestamp(timestamp: WireTimestamp): string {
  const whole = new Date(Number(timestamp.seconds) * 1000).toISOString().replace(/\.000Z$/, '');
  const fraction = timestamp.nanos === 0 ? '' : `.${String(timestamp.nanos).padStart(9, '0').replace(/0+$/, '')}`;
  return `${whole}${fraction}Z`;
}
