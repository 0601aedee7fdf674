import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerOwners, containerXattrs } from './container-owners.js';

const RANGES = [{ containerId: 0, hostId: 100_000, size: 10 }];
const MAPPING = { uids: RANGES, gids: RANGES };
const SET = '0004000000000000000000000000000000';

function capability(revision: '01000002' | '01000003', root = ''): Map<string, Buffer> {
  return new Map([['security.capability', Buffer.from(revision + SET.slice(2) + root, 'hex')]]);
}

test("owners are the container's, nobody's where it has none, and as they are without a mapping", () => {
  assert.deepEqual(containerOwners({ uid: 100_005, gid: 7 }, MAPPING), { uid: 5, gid: 65534 });
  assert.deepEqual(containerOwners({ uid: 100_005, gid: 7 }, undefined), { uid: 100_005, gid: 7 });
});

test("capabilities of the container's root are those of root; others stay as they are", () => {
  const plain = capability('01000002');
  assert.deepEqual(containerXattrs(capability('01000003', 'a0860100'), MAPPING), plain);
  const other = capability('01000003', 'a1860100');
  assert.equal(containerXattrs(other, MAPPING), other);
  assert.equal(containerXattrs(plain, MAPPING), plain);
});
