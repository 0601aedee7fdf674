import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calledMethods, checkCalls } from '../support/called-methods.js';
import { eventually } from '../support/eventually.js';
import { output } from '../support/run.js';
import { CONTENT } from './ctr/content.js';
import { CONTAINERS, RUN, TASKS } from './ctr/execution.js';
import { IMAGES } from './ctr/images.js';
import { changes, listEverything, type Listing } from './ctr/listing.js';
import { OTHERS } from './ctr/others.js';
import { flatten, type Scenarios } from './ctr/scenario.js';
import { SNAPSHOTS } from './ctr/snapshots.js';
import { comparable, CTR, tell } from './ctr/tell.js';
import { openWorld, type Side } from './ctr/world.js';

const GROUPS: readonly Scenarios[] = [OTHERS, IMAGES, SNAPSHOTS, RUN, CONTAINERS, TASKS, CONTENT];

test("Debian's ctr: whatever it is told, it shows the same of our daemon as of containerd", async (t) => {
  await using world = await openWorld();
  const { ours, theirs } = world;
  let before: readonly [Listing, Listing] = [await listEverything(ours), await listEverything(theirs)];
  for (const scenario of GROUPS.flatMap((group) => [...flatten(group)])) {
    await t.test(scenario.title, async () => {
      const [want, got] = await Promise.all([tell(theirs, scenario), tell(ours, scenario)]);
      assert.deepEqual(comparable(got, scenario), comparable(want, scenario));
      let after = before;
      try {
        // Collection comes some time after what it is the end of.
        await eventually(async () => {
          if (after !== before) await collect(theirs);
          after = [await listEverything(ours), await listEverything(theirs)];
          if (scenario.made !== true) assert.deepEqual(changes(before[0], after[0]), changes(before[1], after[1]));
        });
      } finally {
        before = after;
      }
    });
  }
  await t.test('a second client lists the same of both', () => {
    assert.deepEqual(before[0], before[1]);
  });
  await t.test('which methods it calls', () => checkCalls('ctr-1.6', calledMethods(world.daemon)));
  await t.test('our daemon leaves nothing', () => world.assertNothingLeft());
});

test("Debian's ctr: no subcommand that its help lists is left out, nor a form of one", async () => {
  const known = Object.assign({}, ...GROUPS) as Scenarios;
  const listed = await subcommands([]);
  const parts = ['shim', 'pprof', 'oci'];
  const missing = listed.filter((name) => !(name in known) && !parts.includes(name.split(' ', 1)[0] ?? ''));
  assert.deepEqual(missing, []);
  for (const [name, { good, missing: absent, wrong }] of Object.entries(known)) {
    assert.ok(good.length + absent.length > 0 && wrong.length > 0, `${name}: forms`);
  }
  assert.ok(GROUPS.flatMap((group) => [...flatten(group)]).length >= 100);
});

/** containerd counts changes, and on a busy machine waits the longer for it. */
async function collect({ channel }: Side): Promise<void> {
  const leases = channel.service('containerd.services.leases.v1.Leases');
  await leases.create({ id: 'collecting' });
  await leases.delete({ id: 'collecting', sync: true });
}

/** Names of all commands below `path` that do something, by its help. */
async function subcommands(path: readonly string[]): Promise<string[]> {
  const help = await output(CTR, [...path, '--help']);
  const section = /\nCOMMANDS:\n([\s\S]*?)(\n\n|$)/.exec(help)?.[1] ?? '';
  const names = section.split('\n').map((line) => /^\s+([\w-]+)/.exec(line)?.[1]);
  const found: string[] = [];
  for (const name of names.filter((each) => each !== undefined && each !== 'help')) {
    const below = await subcommands([...path, String(name)]);
    found.push(...(below.length > 0 && path.length === 0 ? below : [[...path, name].join(' ')]));
  }
  return found;
}
