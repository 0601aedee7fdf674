import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { output, run } from './run.js';

/** Left out, as Debian's own slim images do; copyright files stay. */
const UNWANTED = /^\/usr\/share\/(doc\/.*|man\/.*|info\/.*|locale\/.*|lintian\/.*|bash-completion\/.*|bug\/.*)$/;
const WANTED = /^\/usr\/share\/doc\/[^/]+(\/copyright)?$/;

/** The packages that every Debian system has, and apt, with the libraries that they are linked with. */
export async function essentialPackages(): Promise<string[]> {
  const format = '${Package} ${Essential} ${Priority} ${db:Status-Status}\n';
  const rows = (await output('dpkg-query', ['-W', '-f', format])).split('\n');
  const essential = rows.filter((row) => / (yes \w+|\w+ required) installed$/.test(row));
  const names = essential.map((row) => row.split(' ', 1)[0] ?? '');
  const programs = (await packageFiles([...names, 'apt'])).filter((path) => /^\/usr\/s?bin\//.test(path));
  return [...new Set([...names, 'apt', 'libc6', 'tzdata', ...(await packagesOf(await librariesOf(programs)))])].sort();
}

/** The shared libraries of `programs`, as the dynamic linker finds them here. */
export async function librariesOf(programs: readonly string[]): Promise<string[]> {
  // Some of the files are scripts, for which ldd has a code that is not 0.
  const { stdout } = await run('ldd', programs);
  const found = [...stdout.toString().matchAll(/(?:=>\s+|^\s+)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  return [...new Set(found)];
}

/** The packages that `paths` belong to. */
export async function packagesOf(paths: readonly string[]): Promise<string[]> {
  const spellings = await Promise.all(
    paths.map(async (path) => [path, path.replace(/^\/usr/, ''), await realpath(path)]),
  );
  const { stdout } = await run('dpkg-query', ['--search', ...new Set(spellings.flat())]);
  return [...new Set([...stdout.toString().matchAll(/^([^:\s]+)(?::\w+)?: \//gm)].map(([, name = '']) => name))];
}

/** What `packages` have put on this machine and is there, in the order of paths; links in a path's folders are followed. */
export async function packageFiles(packages: readonly string[]): Promise<string[]> {
  const { stdout } = await run('dpkg-query', ['--listfiles', ...packages]);
  const listed = stdout
    .toString()
    .split('\n')
    .filter((path) => path.startsWith('/'));
  const wanted = new Set(listed.filter((path) => !UNWANTED.test(path) || WANTED.test(path)));
  const folders = new Map<string, Promise<string>>();
  const settled = await Promise.all(
    [...wanted].map(async (path) => {
      if (path === '/.') return path;
      const folder = dirname(path);
      const real = folders.get(folder) ?? realpath(folder).catch(() => folder);
      folders.set(folder, real);
      const place = join(await real, basename(path));
      return (await lstat(place).catch(() => undefined)) ? place : undefined;
    }),
  );
  return [...new Set(settled.filter((path) => path !== undefined))].sort();
}

/** A tar of these files of this machine, with their owners, modes and times. */
export async function tarOfFiles(paths: readonly string[]): Promise<Buffer> {
  const options = ['--create', '--no-recursion', '--numeric-owner', '--format=posix'];
  const { code, stdout, stderr } = await run(
    'tar',
    [...options, '--pax-option=delete=atime,delete=ctime', '--directory=/', '--null', '--files-from=-'],
    { input: paths.map((path) => `.${path === '/.' ? '/' : path}`).join('\0') },
  );
  if (code !== 0) throw new Error(`tar: ${stderr.toString()}`);
  return stdout;
}
