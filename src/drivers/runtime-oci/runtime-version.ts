/** Versions of OCI runtimes from which on a way out of containers is closed, newest first; by release branch where there are several. */
const FIXES = [
  { program: 'runc', cve: 'CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881', from: ['1.2.8', '1.3.3', '1.4.0'] },
  { program: 'runc', cve: 'CVE-2024-21626', from: ['1.1.12'] },
  { program: 'crun', cve: 'CVE-2025-24965', from: ['1.20'] },
] as const;

/**
 * What is to be said of an OCI runtime's version; undefined when nothing is, or it can't be told.
 *
 * @param text What it writes with `--version`: `runc version 1.1.5+ds1` and further lines.
 */
export function adviceOnVersion(text: string): string | undefined {
  const [, program, version = '', suffix = ''] = /^(runc|crun) version (\d+(?:\.\d+)*)(\S*)/m.exec(text) ?? [];
  const open = FIXES.filter(
    (fix) => fix.program === program && !fix.from.some((least) => fixes(least, version)) && !beyond(fix.from, version),
  );
  if (open.length === 0) return undefined;
  const cves = open.map(({ cve }) => cve).join('; ');
  const newest = open[0]?.from.at(-1) ?? '';
  const backports = suffix === '' ? '' : ', unless your distribution has brought the fixes into it';
  return `${program ?? ''} ${version}${suffix} has known ways out of a container (${cves})${backports}: install ${newest} or newer`;
}

/** A fix holds for its own branch (major and minor) from its patch level on. */
function fixes(least: string, version: string): boolean {
  const [a, b] = [numbersOf(least), numbersOf(version)];
  return a[0] === b[0] && a[1] === b[1] && (b[2] ?? 0) >= (a[2] ?? 0);
}

/** Newer than every branch that was fixed. */
function beyond(from: readonly string[], version: string): boolean {
  const [last, own] = [numbersOf(from.at(-1) ?? ''), numbersOf(version)];
  return (own[0] ?? 0) > (last[0] ?? 0) || (own[0] === last[0] && (own[1] ?? 0) > (last[1] ?? 0));
}

function numbersOf(version: string): number[] {
  return version.split('.').map(Number);
}
