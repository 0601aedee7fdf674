import { DaemonError } from '../base/errors.js';

/** What a binary runs on (OCI image-spec, image-index.md, "platform"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

/** Says how well a platform fits: lower is better, undefined is not at all. */
export type PlatformMatcher = (platform: Platform) => number | undefined;

const ARCH_ALIASES: Readonly<Record<string, readonly [string, string?]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  amd64: ['amd64'],
  i386: ['386'],
  i686: ['386'],
  aarch64: ['arm64'],
  arm64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  arm: ['arm', 'v7'],
};

const PART = /^[A-Za-z0-9_.-]+$/;

/** One spelling for one platform: aliases of architectures, and the variants that say nothing (arm64/v8, amd64/v1). */
export function normalizePlatform(platform: Platform): Platform {
  const given = platform.architecture.toLowerCase();
  const [architecture, fallback = ''] = ARCH_ALIASES[given] ?? [given];
  const variant = normalizeVariant(architecture, platform.variant?.toLowerCase() || fallback);
  const { variant: _, ...rest } = platform;
  return { ...rest, os: platform.os.toLowerCase(), architecture, ...(variant === '' ? {} : { variant }) };
}

function normalizeVariant(architecture: string, variant: string): string {
  if (architecture === 'arm' && /^[5-8]$/.test(variant)) return `v${variant}`;
  if (architecture === 'arm64' && /^v?8$/.test(variant)) return '';
  return architecture === 'amd64' && variant === 'v1' ? '' : variant;
}

/** `os/arch[/variant]`, as users type it. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/**
 * Reads `os/arch[/variant]`, or an architecture alone (os is linux then).
 *
 * @throws invalid-argument: another number of parts, or other characters.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new DaemonError(
      'invalid-argument',
      `platform ${JSON.stringify(text)} is not of the form os/arch[/variant], such as linux/amd64`,
    );
  }
  const [first = '', architecture, variant] = parts;
  if (architecture === undefined) return normalizePlatform({ os: 'linux', architecture: first });
  return normalizePlatform({ os: first, architecture, ...(variant === undefined ? {} : { variant }) });
}

/** The platform of a Node process, given its `process.arch`. */
export function platformOfNode(arch: string): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return normalizePlatform({ os: 'linux', architecture: names[arch] ?? arch });
}

/** Takes `want`, and for arm and amd64 the lesser variants after it. */
export function onlyPlatform(want: Platform): PlatformMatcher {
  const wanted = normalizePlatform(want);
  return (platform) => {
    const have = normalizePlatform(platform);
    if (have.os !== wanted.os || have.architecture !== wanted.architecture) return undefined;
    const distance = variantLevel(wanted) - variantLevel(have);
    return distance >= 0 ? distance : undefined;
  };
}

function variantLevel(platform: Platform): number {
  const level = /^v(\d+)$/.exec(platform.variant ?? '')?.[1];
  if (level !== undefined) return Number(level);
  return platform.architecture === 'arm64' ? 8 : 1;
}
