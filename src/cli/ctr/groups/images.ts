import { resolve } from 'node:path';
import { exportImages, importImages } from '../../../client/archives.js';
import { listImages } from '../../../client/images.js';
import { pullImage } from '../../../client/pull.js';
import { pushImage, tagImage } from '../../../client/push.js';
import { mountImage, unmountImage, unpackManifest } from '../../../client/rootfs.js';
import { parsePlatform } from '../../../spec/platform.js';
import { openArchive, writeArchive } from '../../shared/archive-files.js';
import { bytesOf, forEach, only } from '../../shared/arguments.js';
import { defineCommand } from '../../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../../shared/credentials.js';
import { FETCH_OPTIONS, fetchOptionsOf } from '../../shared/fetch-options.js';
import { flag, list, text } from '../../shared/options.js';
import { showProgress } from '../../shared/progress.js';
import { formatBytes } from '../../shared/units.js';
import { formatLabels, labelPaths, LIST_OPTIONS, nth, parseLabels, showList, showObject } from './listing.js';

const snapshotter = text('--snapshotter <name>', 'such as overlayfs or native');

const ls = defineCommand({
  usage: 'images list [filter...]',
  aliases: ['ls'],
  summary: 'List the images',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const { images } = await session()
      .service('containerd.services.images.v1.Images')
      .list({ filters: [...args] }, { signal });
    const known = new Map<string, { packedSize: number; platforms: readonly string[] }>();
    if (!options.quiet) for await (const image of listImages(session(), signal)) known.set(image.name, image);
    const rows = images.map(({ name, target, labels }) => {
      const { packedSize = 0, platforms = [] } = known.get(name) ?? {};
      const [type, digest] = [target?.media_type ?? '', target?.digest ?? ''];
      const cells = [name, type, digest, formatBytes(packedSize), platforms.join(',') || '-', formatLabels(labels)];
      return { name, cells, value: { name, mediaType: type, digest, size: packedSize, platforms, labels } };
    });
    return showList(out, options, ['REF', 'TYPE', 'DIGEST', 'SIZE', 'PLATFORMS', 'LABELS'], rows);
  },
});

const check = defineCommand({
  usage: 'images check',
  summary: 'List the images with what of them is unpacked',
  options: LIST_OPTIONS,
  async run({ options, session, out, signal }) {
    const rows = [];
    for await (const image of listImages(session(), signal)) {
      const status = image.sizeError === '' ? 'complete' : 'incomplete';
      const { name, mediaType, digest, packedSize, unpackedSize } = image;
      const cells = [name, mediaType, digest, status, formatBytes(packedSize), String(unpackedSize > 0)];
      rows.push({ name, cells, value: { ...image, status } });
    }
    return showList(out, options, ['REF', 'TYPE', 'DIGEST', 'STATUS', 'SIZE', 'UNPACKED'], rows);
  },
});

const usage = defineCommand({
  usage: 'images usage [ref...]',
  summary: 'What images take: packed in the content store, unpacked as layers',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const rows = [];
    for await (const { name, packedSize, unpackedSize } of listImages(session(), signal)) {
      if (args.length > 0 && !args.includes(name)) continue;
      const cells = [name, formatBytes(packedSize), formatBytes(unpackedSize)];
      rows.push({ name, cells, value: { name, packedSize, unpackedSize } });
    }
    return showList(out, options, ['REF', 'SIZE', 'UNPACKED'], rows);
  },
});

const inspect = defineCommand({
  usage: 'images inspect <ref>',
  summary: 'Print an image as JSON',
  async run({ args, session, out, signal }) {
    const { image } = await session()
      .service('containerd.services.images.v1.Images')
      .get({ name: only(args) }, { signal });
    return showObject(out, image ?? {});
  },
});

const pull = defineCommand({
  usage: 'images pull <ref...>',
  summary: 'Fetch images by their whole names, and unpack them',
  options: { ...FETCH_OPTIONS, snapshotter, noUnpack: flag('--no-unpack', 'leave the layers packed') },
  run: ({ args, options, session, io, out, signal }) =>
    forEach(args, out, async (name) => {
      using progress = showProgress(io);
      const how = { ...fetchOptionsOf(options, io), snapshotter: options.snapshotter, unpack: !options.noUnpack };
      const pulled = await pullImage(session(), name, { ...how, onProgress: progress.update, signal });
      out.line(pulled.name, pulled.digest);
    }),
});

const push = defineCommand({
  usage: 'images push <remote> [local]',
  summary: 'Upload an image to a registry; under its own name unless a local one is given',
  options: { ...REGISTRY_OPTIONS, platform: text('--platform <os/arch>', 'its manifest alone', parsePlatform) },
  async run({ args, options, session, io, signal }) {
    const remote = only(args);
    using progress = showProgress(io);
    const how = { ...registryAccessOf(options, io), platform: options.platform, onProgress: progress.update, signal };
    await pushImage(session(), args[1] ?? remote, remote, how);
    return 0;
  },
});

const rm = defineCommand({
  usage: 'images rm <ref...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove images by their whole names',
  options: { sync: flag('--sync', 'wait until what only they kept is gone') },
  run: ({ args, options, session, out, signal }) =>
    forEach(args, out, async (name) => {
      const service = session().service('containerd.services.images.v1.Images');
      await service.delete({ name, sync: options.sync }, { signal });
      out.line(name);
    }),
});

const tag = defineCommand({
  usage: 'images tag <ref> <name...>',
  summary: 'Give an image further names',
  run: ({ args, session, out, signal }) =>
    forEach(args.slice(1), out, async (name) => {
      await tagImage(session(), only(args), name, signal);
      out.line(name);
    }),
});

const label = defineCommand({
  usage: 'images label <ref> [key=value...]',
  summary: 'Set labels; without a value one is taken away',
  async run({ args, session, out, signal }) {
    const labels = parseLabels(args.slice(1));
    const { image } = await session()
      .service('containerd.services.images.v1.Images')
      .update({ image: { name: only(args), labels }, update_mask: { paths: labelPaths(labels) } }, { signal });
    out.line(formatLabels(image?.labels ?? {}));
    return 0;
  },
});

const load = defineCommand({
  usage: 'images import <file>',
  summary: 'Bring the images of an archive into the store; - is the standard input',
  options: {
    baseName: text('--base-name <name>', 'repository of images that have a tag only; whole names must begin with it'),
    digests: flag('--digests', 'names by digest, too'),
    indexName: text('--index-name <name>', 'a name for the index over all images of the archive'),
    platform: list('--platform <os/arch>', 'platform to take out of an index (repeatable)'),
    allPlatforms: flag('--all-platforms', 'take all of them'),
    noUnpack: flag('--no-unpack', 'leave the layers packed'),
    compressBlobs: flag('--compress-blobs', 'pack layers that are not packed'),
    snapshotter,
  },
  async run({ args, options, session, io, out, signal }) {
    const file = only(args);
    const bytes = bytesOf(file === '-' ? io.stdin : await openArchive(resolve(io.cwd, file)));
    const platforms = options.platform.map(parsePlatform);
    const { baseName, digests, indexName, allPlatforms, compressBlobs: compress } = options;
    const names = await importImages(session(), bytes, {
      ...{ prefix: baseName, onlyPrefixed: baseName !== undefined, digests, indexName, allPlatforms, compress, signal },
      ...{ snapshotter: options.snapshotter, unpack: !options.noUnpack },
      ...(platforms.length > 0 && { platforms }),
    });
    for (const name of names) out.line(name);
    if (names.length === 0) out.note('no image of the archive has a name that fits; try --base-name or --digests');
    return names.length === 0 ? 1 : 0;
  },
});

const save = defineCommand({
  usage: 'images export <file> <ref...>',
  summary: 'Write images to an archive; - is the standard output',
  options: {
    platform: list('--platform <os/arch>', 'platform to take out of an index (repeatable)'),
    allPlatforms: flag('--all-platforms', 'take all of them'),
    skipManifestJson: flag('--skip-manifest-json', 'without what old versions of Docker need'),
    skipNonDistributable: flag('--skip-non-distributable', 'without layers that may not be distributed'),
  },
  async run({ args, options, session, io, out, signal }) {
    const [file = '', ...names] = args;
    const bytes = exportImages(session(), names, {
      ...{ platforms: options.platform.map(parsePlatform), allPlatforms: options.allPlatforms, signal },
      ...{ docker: !options.skipManifestJson, onlyDistributable: options.skipNonDistributable },
    });
    if (file === '-') for await (const part of bytes) await out.bytes(part);
    else await writeArchive(resolve(io.cwd, file), bytes);
    return 0;
  },
});

const mount = defineCommand({
  usage: 'images mount <ref> <directory>',
  summary: "Mount an image's file system at a directory",
  options: { rw: flag('--rw', 'writable; what is written goes with the mount'), snapshotter },
  async run({ args, options, session, io, out, signal }) {
    const directory = resolve(io.cwd, nth(args, 1));
    const request = { image: only(args), directory, writable: options.rw, snapshotter: options.snapshotter ?? '' };
    await mountImage(session(), request, signal);
    out.line(directory);
    return 0;
  },
});

const unmount = defineCommand({
  usage: 'images unmount <directory...>',
  summary: 'Unmount what was mounted, and remove what was written there',
  run: ({ args, session, io, out, signal }) =>
    forEach(args, out, async (typed) => {
      const directory = resolve(io.cwd, typed);
      await unmountImage(session(), directory, signal);
      out.line(directory);
    }),
});

const unpack = defineCommand({
  usage: 'images unpack <ref>',
  summary: "Unpack an image's layers; prints the chain ID",
  options: { snapshotter, platform: text('--platform <os/arch>', 'of an index', parsePlatform) },
  async run({ args, options, session, out, signal }) {
    const { image } = await session()
      .service('containerd.services.images.v1.Images')
      .get({ name: only(args) }, { signal });
    const how = { snapshotter: options.snapshotter ?? '', platform: options.platform, signal };
    out.line(await unpackManifest(session(), image?.target?.digest ?? '', how));
    return 0;
  },
});

/** What containerd's users type after `ctr images`. */
export const IMAGES = [ls, check, usage, inspect, pull, push, rm, tag, label, load, save, mount, unmount, unpack];
