import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { parseManifest } from '../src/spec/manifest.js';
import type { Digest } from '../src/spec/digest.js';
import { openCpuGroup, type CpuGroup } from './cpu-group.js';
import { openLoopDisk } from './loop-disk.js';

/** Fetches a layer into a file, hashes it packed and unpacked, and unpacks it. $1: its URL, $2: its folder. */
const LAYER = String.raw`
set -euo pipefail
mkdir "$2"
curl -sfS "$1" | tee "$2.blob" >(sha256sum >"$2.packed") | igzip -dc | tee >(sha256sum >"$2.plain") | tar -x -p --numeric-owner -C "$2"
wait
`;

/** What a shell does for the same work, and nothing besides: two layers at a time, each by itself, on the disk in the end. */
export interface ShellLimit extends AsyncDisposable {
  readonly group: CpuGroup;
  pull(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * @param layout OCI layout of the image, of which the registry has the layers.
 * @param repository `<host>/<name>` at a registry with plain http.
 */
export function openShellLimit(layout: string, repository: string): Promise<ShellLimit> {
  return Teardown.build(async (down) => {
    const disk = down.own(await openLoopDisk(8 * 1024 ** 3));
    const group = down.own(await openCpuGroup('shell'));
    const [host = '', ...name] = repository.split('/');
    const url = `http://${host}/v2/${name.join('/')}/blobs`;
    const work = join(disk.path, 'work');
    const jobs = (await layersOf(layout)).map((digest, at) => `${url}/${digest}\0${work}/${at}\0`).join('');
    const script = 'printf %s "$0" | tr "\\001" "\\000" | xargs -0 -n 2 -P 2 bash -c "$1" layer && sync -f "$2"';
    return {
      group,
      async pull() {
        await mkdir(work);
        await group.run('/bin/bash', ['-c', script, jobs.replaceAll('\0', '\x01'), LAYER, work]);
      },
      remove: () => rm(work, { recursive: true, force: true }),
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

async function layersOf(layout: string): Promise<Digest[]> {
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
    manifests: { digest: string; mediaType: string }[];
  };
  const [manifest] = index.manifests;
  if (manifest === undefined) throw new Error(`${layout} has no image`);
  const bytes = await readFile(join(layout, 'blobs', manifest.digest.replace(':', '/')));
  return parseManifest(bytes, manifest.mediaType).layers.map(({ digest }) => digest);
}
