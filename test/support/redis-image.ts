import { readFile, realpath } from 'node:fs/promises';
import { essentialPackages, librariesOf, packageFiles, packagesOf, tarOfFiles } from './debian-files.js';
import { type Entry, type Image, layerOf, makeImage, makeLayer } from './image.js';
import { ensureLayout } from './kept-layout.js';
import { output } from './run.js';

/** A change of what the image holds needs a new number: a layout of another number is built again. */
const RECIPE = 3;

const REDIS_ID = 999;
const PROGRAMS = ['redis-server', 'redis-cli', 'redis-benchmark'];

/** Hands the data folder over and drops root before the server starts; anything else runs as it is. */
const ENTRYPOINT = `#!/bin/sh
set -e
case "$1" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "\${1##*/}" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis:redis .
  exec setpriv --reuid=redis --regid=redis --clear-groups "$@"
fi
exec "$@"
`;

/**
 * Makes a Redis image out of the Debian packages of this machine, in the steps of the official one, as an OCI layout
 * in `dir` under the name `latest`. What is there already is kept as long as no package of the machine changes.
 */
export function ensureRedisLayout(dir: string): Promise<void> {
  return ensureLayout(dir, RECIPE, makeRedisImage);
}

async function makeRedisImage(): Promise<Image> {
  const base = await essentialPackages();
  const baseFiles = await packageFiles(base.filter((name) => name !== 'tzdata'));
  const programs = await Promise.all(PROGRAMS.map((name) => realpath(`/usr/bin/${name}`)));
  const libraries = (await packagesOf(await librariesOf(programs))).filter((name) => !base.includes(name));
  const inBase = new Set(baseFiles);
  const above = async (names: string[]): Promise<string[]> =>
    (await packageFiles(names)).filter((path) => !inBase.has(path));
  const version = await output('dpkg-query', ['-W', '-f', '${Version}', 'redis-server']);
  return makeImage({
    layers: [
      layerOf(await tarOfFiles(baseFiles)),
      await makeLayer(await accounts()),
      layerOf(await tarOfFiles(await above(['tzdata']))),
      layerOf(await tarOfFiles(await above(libraries))),
      await makeLayer(await redisPrograms(programs)),
      await makeLayer([{ path: 'data', type: 'directory', uid: REDIS_ID, gid: REDIS_ID }]),
      await makeLayer([...localBin(), { path: 'usr/local/bin/docker-entrypoint.sh', mode: 0o755, data: ENTRYPOINT }]),
    ],
    settings: {
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['redis-server'],
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        `REDIS_VERSION=${version.replace(/^\d+:|-.*$/g, '')}`,
      ],
      ExposedPorts: { '6379/tcp': {} },
      Volumes: { '/data': {} },
      WorkingDir: '/data',
      StopSignal: 'SIGTERM',
    },
  });
}

/** Debian's own accounts and Redis's. */
async function accounts(): Promise<Entry[]> {
  const [passwd, group] = await Promise.all(
    ['passwd', 'group'].map((name) => readFile(`/usr/share/base-passwd/${name}.master`, 'utf8')),
  );
  const account = `redis:x:${REDIS_ID}:${REDIS_ID}::/home/redis:/bin/sh\n`;
  return [
    { path: 'etc', type: 'directory' },
    { path: 'etc/passwd', data: `${passwd ?? ''}${account}` },
    { path: 'etc/group', data: `${group ?? ''}redis:x:${REDIS_ID}:\n` },
    { path: 'usr', type: 'directory' },
    { path: 'usr/bin', type: 'directory' },
    { path: 'usr/bin/sh', type: 'symlink', target: 'dash' },
    { path: 'tmp', type: 'directory', mode: 0o1777 },
  ];
}

async function redisPrograms(programs: readonly string[]): Promise<Entry[]> {
  const files = await Promise.all(
    programs.map(async (path, at) => {
      return { path: `usr/local/bin/${PROGRAMS[at] ?? ''}`, mode: 0o755, data: await readFile(path) };
    }),
  );
  const links = ['redis-check-aof', 'redis-check-rdb', 'redis-sentinel'].map(
    (name) => ({ path: `usr/local/bin/${name}`, type: 'symlink', target: 'redis-server' }) as const,
  );
  return [...localBin(), ...files, ...links];
}

function localBin(): Entry[] {
  return ['usr', 'usr/local', 'usr/local/bin'].map((path) => ({ path, type: 'directory' }));
}
