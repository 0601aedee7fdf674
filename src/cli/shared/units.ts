import { DaemonError } from '../../base/errors.js';

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes for people: `17 B`, `1.5 KiB`, `45.8 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < SIZES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${SIZES[unit] ?? ''}`;
}

/** Reads a number of bytes: `1048576`, `512k`, `1.5GiB`; units are powers of 1024. @throws invalid-argument. */
export function parseBytes(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * 1024 ** ' kmgtp'.indexOf(unit === '' ? ' ' : unit.toLowerCase()));
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes;
  throw new DaemonError(
    'invalid-argument',
    `${JSON.stringify(text)} is no number of bytes, such as 1048576, 512k or 2g`,
  );
}

/** A length of time for people, in its largest unit: `3 seconds`, `1 minute`, `5 days`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  for (const [unit, length] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const) {
    if (seconds >= length) return plural(Math.floor(seconds / length), unit);
  }
  return plural(seconds, 'second');
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
