import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDescriptors } from '../../../test/support/leftovers.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { createKernel } from '../../sys/kernel.js';
import type { DirectoryFiles } from '../kernel/directory-files.js';
import { isDirectory } from '../kernel/file-type.js';
import { OVERLAY_OPAQUE } from '../snapshots/overlay-form.js';
import { MergedView } from './merged-view.js';

const { files } = createKernel();

/** Layers in a folder, nearest first; names that end with `/` are directories, `!` hides one, `~` deletes. */
async function layersOf(root: string, layers: readonly (readonly string[])[]): Promise<string[]> {
  return await Promise.all(
    layers.map(async (names, at) => {
      const dir = join(root, String(at));
      await mkdir(dir);
      for (const name of names) {
        if (name.endsWith('/')) await mkdir(join(dir, name), { recursive: true });
        else if (!/[!~]$/.test(name)) await writeFile(join(dir, name), `${at}`);
        else mark(dir, name);
      }
      return dir;
    }),
  );
}

function mark(dir: string, name: string): void {
  const fd = files.openDirectory(dir);
  try {
    if (name.endsWith('~')) files.makeWhiteout(fd, name.slice(0, -1));
    else files.setXattr(fd, name.slice(0, -1), OVERLAY_OPAQUE.name, OVERLAY_OPAQUE.value);
  } finally {
    files.close(fd);
  }
}

/** What is at a path: `dir`, or the bytes of a file, which are the number of its layer. */
function look(view: MergedView, path: string): string | undefined {
  return view.with(path === '' ? [] : path.split('/'), ({ stat, place }) => {
    if (isDirectory(stat)) return 'dir';
    const fd = files.open(place.dir, place.name, 0, 0);
    try {
      const bytes = Buffer.alloc(8);
      return bytes.toString('utf8', 0, files.read(fd, bytes));
    } finally {
      files.close(fd);
    }
  });
}

test('layers are seen as one tree, in whatever order one looks', async (t) => {
  const { path: root } = await tempDir(t);
  const layers = await layersOf(root, [
    ['a/b/', 'a/b/new', 'a/gone~', 'h/', 'h!', 'h/own', 'f'],
    ['a/b/', 'a/b/both', 'a/gone', 'h/', 'h/hidden', 'f/', 'f/x'],
    ['a/b/c/', 'a/b/both', 'a/b/old', 'a/b/c/deep', 'top'],
  ]);
  const expected: readonly (readonly [string, string | undefined])[] = [
    ['', 'dir'],
    ['a', 'dir'],
    ['a/b/new', '0'],
    ['a/b/both', '1'],
    ['a/b/old', '2'],
    ['a/b/c', 'dir'],
    ['a/b/c/deep', '2'],
    ['a/gone', undefined],
    ['h/own', '0'],
    ['h/hidden', undefined],
    ['f', '0'],
    ['f/x', undefined],
    ['f/x/y', undefined],
    ['top', '2'],
    ['top/x', undefined],
    ['nowhere/at/all', undefined],
    ['nowhere/at/all/either', undefined],
  ];
  using view = new MergedView(files, layers);
  for (const [first, is] of expected) {
    for (const [second, will] of expected) {
      assert.deepEqual([look(view, first), look(view, second)], [is, will], `${first}, then ${second}`);
    }
  }
});

test('many names of one directory cost no more than the way to it once', async (t) => {
  const { path: root } = await tempDir(t);
  const deep = 'a/b/c/d/e/f/g/h';
  const layers = await layersOf(root, [[`${deep}/`], [`${deep}/`, `${deep}/x`]]);
  let opened = 0;
  const counting: DirectoryFiles = {
    ...files,
    open: (...args) => {
      opened += 1;
      return files.open(...args);
    },
  };
  const before = await openDescriptors(process.pid);
  {
    using view = new MergedView(counting, layers);
    for (let at = 0; at < 1000; at += 1)
      assert.equal(
        view.with([...deep.split('/'), `n${at}`], () => true),
        undefined,
      );
    assert.equal(
      view.with([...deep.split('/'), 'x'], () => true),
      true,
    );
    assert.equal(opened, 16);
  }
  assert.deepEqual(await openDescriptors(process.pid), before);
});
