import { packageFiles, tarOfFiles } from '../test/support/debian-files.js';
import { layerOf, makeImage, makeLayer, type Entry, type Image, type Layer } from '../test/support/image.js';
import { output } from '../test/support/run.js';

const TOOLCHAIN_BYTES = 850_000_000;
const TOOLCHAIN_LAYERS = 8;
const TOOLCHAIN_SOURCES = 60_000;
const PACKAGE_BYTES_MAX = 100_000_000;
const TINY_FILES = 60_000;
const LINK_FILES = 1500;
const FILES_PER_FOLDER = 100;
const SEED = 20_260_101;

const WORDS =
  'static const inline struct return void int char size_t if else for while define include endif ifdef error value index ' +
  'buffer length offset flags context result pointer handle attribute unsigned long extern typedef enum switch case break';

/** One layer of 60,000 files of a few hundred bytes. */
export async function makeTinyFilesImage(): Promise<Image> {
  return makeImage({ layers: [await makeLayer(sources('srv', TINY_FILES, 800))] });
}

/** Layers of about 4 MB each, for a link that takes its time. */
export async function makeLayeredImage(count: number): Promise<Image> {
  const all = sources('srv', count * LINK_FILES, 9000);
  const layers = Array.from({ length: count }, (_, at) =>
    all.slice((at * all.length) / count, ((at + 1) * all.length) / count),
  );
  return makeImage({ layers: await Promise.all(layers.map((entries) => makeLayer(entries))) });
}

/**
 * What an image with compilers and their libraries is like: about 400 MB packed and 100,000 files, in nine layers. Eight are of the
 * Debian packages of this machine; the last one is made up, many small files of program text.
 */
export async function makeToolchainImage(): Promise<Image> {
  const layers: Layer[] = [];
  const seen = new Set<string>();
  for (const packages of await packageGroups()) {
    const files = (await packageFiles(packages)).filter((path) => !seen.has(path));
    for (const path of files) seen.add(path);
    layers.push(layerOf(await tarOfFiles(files)));
  }
  layers.push(await makeLayer(sources('usr/src', TOOLCHAIN_SOURCES, 3000)));
  return makeImage({ layers });
}

async function packageGroups(): Promise<string[][]> {
  const format = '${Package} ${Installed-Size} ${db:Status-Status}\n';
  const rows = (await output('dpkg-query', ['-W', '-f', format])).split('\n');
  const groups: string[][] = Array.from({ length: TOOLCHAIN_LAYERS }, () => []);
  let bytes = 0;
  for (const row of rows.filter((each) => each.endsWith(' installed'))) {
    const [name = '', kibibytes = ''] = row.split(' ');
    const size = Number(kibibytes) * 1024;
    if (size > PACKAGE_BYTES_MAX || bytes + size > TOOLCHAIN_BYTES) continue;
    groups[Math.floor((bytes / TOOLCHAIN_BYTES) * TOOLCHAIN_LAYERS)]?.push(name);
    bytes += size;
  }
  return groups.filter((group) => group.length > 0);
}

/** Files of program text, the same in every run. @param meanBytes Of a file. */
function sources(top: string, count: number, meanBytes: number): Entry[] {
  const words = WORDS.split(' ');
  const random = mulberry32(SEED);
  const entries: Entry[] = [];
  for (let at = 0; at < count; at += 1) {
    const folder = `${top}/part-${Math.floor(at / FILES_PER_FOLDER)}`;
    if (at % FILES_PER_FOLDER === 0) entries.push({ path: folder, type: 'directory' });
    const bytes = Math.floor(meanBytes * (0.2 + 1.6 * random()));
    let data = '';
    while (data.length < bytes) {
      data += `${words[Math.floor(random() * words.length)] ?? ''}_${Math.floor(random() * 1e6).toString(36)} `;
    }
    entries.push({ path: `${folder}/file-${at}.c`, data });
  }
  return entries;
}

/** A small generator of numbers from 0 to 1 (Tommy Ettinger's mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
