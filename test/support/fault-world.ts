import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../../src/base/teardown.js';
import { serverVersion } from '../../src/client/version.js';
import { busyboxEntries } from './busybox-image.js';
import { openDaemon, type DaemonOptions } from './daemon.js';
import { POINT_NAMES, tracingTo } from './effect-trace.js';
import { eventually } from './eventually.js';
import type { Operation, World } from './fault-operations.js';
import { openFaultRegistry, type FaultRegistry } from './fault-registry.js';
import { makeImage, makeLayer } from './image.js';
import { tempDir } from './temp-dir.js';
import { assertWhole, keptBy, sessionOf, type Kept } from './whole-stores.js';

/** A daemon that can be made to die at a point, and the registry that its image comes from. */
export interface Setting extends World, AsyncDisposable {
  readonly registry: FaultRegistry;
  /** Where points are armed. */
  readonly points: string;
}

/** @param options Of the daemon; `traceTo` names the file that its system calls go to. */
export function openSetting(options: DaemonOptions & { readonly traceTo?: string } = {}): Promise<Setting> {
  return Teardown.build(async (down) => {
    const home = down.own(await tempDir());
    const registry = down.own(await openFaultRegistry());
    const points = join(home.path, 'points');
    await mkdir(points);
    const daemon = down.own(
      await openDaemon({
        ...options,
        env: { WHARFD_FAULT_POINTS: points },
        ...(options.traceTo !== undefined && { wrapper: tracingTo(options.traceTo) }),
      }),
    );
    const upper = [
      { path: 'bin/again', type: 'link', target: 'bin/busybox' } as const, // of the layer below
      { path: 'etc/.wh.group', data: '' },
    ];
    const layers = [await makeLayer(await busyboxEntries()), await makeLayer(upper)];
    const image = makeImage({ layers, settings: { Cmd: ['sh'], Env: ['PATH=/bin'] } });
    const name = registry.add(image, 'points');
    return { daemon, registry, points, image, name, [Symbol.asyncDispose]: () => down.run() };
  });
}

/** How often each point is passed in an operation that nothing disturbs. */
export type Passings = ReadonlyMap<string, number>;

export async function countPassings(world: Setting, operation: Operation): Promise<Passings> {
  const many = 1_000_000;
  for (const name of POINT_NAMES) await writeFile(join(world.points, name), String(many));
  await operation.run(world);
  const counts = new Map<string, number>();
  for (const name of POINT_NAMES) {
    const passed = many - (await readCount(join(world.points, name)));
    if (passed > 0) counts.set(name, passed);
    await rm(join(world.points, name));
  }
  return counts;
}

/** The daemon may be writing it. */
function readCount(path: string): Promise<number> {
  return eventually(async () => {
    const text = await readFile(path, 'utf8');
    assert.match(text, /^\d+$/);
    return Number(text);
  });
}

/** Every passing of every point, by the title of its operation. */
export function allDeaths(
  passings: ReadonlyMap<string, Passings>,
): readonly { readonly title: string; readonly point: string; readonly passed: number }[] {
  return [...passings].flatMap(([title, counts]) =>
    [...counts].flatMap(([point, count]) => Array.from({ length: count }, (_, passed) => ({ title, point, passed }))),
  );
}

/** When a daemon dies, and what happens before it is started again. */
interface Death {
  readonly point: string;
  /** Times that the point is passed before. */
  readonly passed: number;
  readonly afterwards?: () => Promise<void>;
}

/** Runs the operation on a daemon that dies when it has passed the point so often, and then starts that again. @returns Whether it died. */
export async function dieAt(world: Setting, operation: Operation, death: Death): Promise<boolean> {
  const { point, passed, afterwards } = death;
  const armed = join(world.points, point);
  await writeFile(armed, String(passed));
  const outcome = await operation.run(world).then(
    () => undefined,
    (error: unknown) => error,
  );
  const isSpent = (await readCount(armed)) === 0;
  await rm(armed); // so that nothing passes it later
  // Work in the background may have passed it after the operation's end: then the death is about to be seen.
  if (outcome !== undefined || (isSpent && !(await answers(world)))) {
    await eventually(async () => {
      await Promise.resolve();
      assert.ok(!isRunning(world), 'the daemon does not answer, yet it lives');
    });
  }
  const isDead = isSpent && !isRunning(world);
  assert.ok(isDead || outcome === undefined, outcome as Error);
  if (isDead) {
    await afterwards?.();
    await world.daemon.start();
  }
  return isDead;
}

async function answers({ daemon }: World): Promise<boolean> {
  try {
    using session = sessionOf(daemon);
    await serverVersion(session);
    return true;
  } catch {
    return false;
  }
}

function isRunning({ daemon }: World): boolean {
  try {
    return daemon.pid > 0;
  } catch {
    return false;
  }
}

function matches(kept: Kept, wanted: Partial<Kept>): boolean {
  return Object.entries(wanted).every(([list, names]) => {
    return JSON.stringify(kept[list as keyof Kept]) === JSON.stringify([...names].sort());
  });
}

/** All is as before or as after the operation, and the same operation completes it with nothing fetched twice that was there. */
export async function checkAfter(world: Setting, operation: Operation): Promise<void> {
  using session = sessionOf(world.daemon);
  const complete = new Set((await keptBy(session)).digests);
  const kept = await assertWhole(world.daemon);
  const states = operation.states(world);
  assert.ok(
    states.some((state) => matches(kept, state)),
    `neither the old nor the new state: ${JSON.stringify(kept)}`,
  );
  const seen = world.registry.seen.length;
  await operation.run(world);
  for (const { uri } of world.registry.seen.slice(seen)) {
    const [, digest = ''] = /\/blobs\/(sha256:\w+)/.exec(uri) ?? [];
    assert.ok(!complete.has(digest), `${digest} was there, and was fetched again`);
  }
  const last = states.at(-1) ?? {};
  const end = await assertWhole(world.daemon);
  assert.ok(matches(end, last), `the second run ended with ${JSON.stringify(end)}`);
}
