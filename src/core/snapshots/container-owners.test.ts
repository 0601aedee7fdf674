import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerOwners, containerXattrs, hostXattrs } from './container-owners.js';

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

test('ACLs name the users and groups of the container, and back', () => {
  const acl = (user: number, group: number) => {
    const entries = [
      [0x01, 7, 0xffffffff],
      [0x02, 4, user],
      [0x04, 5, 0xffffffff],
      [0x08, 5, group],
      [0x10, 7, 0xffffffff],
      [0x20, 0, 0xffffffff],
    ] as const;
    const bytes = Buffer.alloc(4 + entries.length * 8);
    bytes.writeUInt32LE(2, 0);
    for (const [at, [tag, permissions, id]] of entries.entries()) {
      bytes.writeUInt16LE(tag, 4 + at * 8);
      bytes.writeUInt16LE(permissions, 6 + at * 8);
      bytes.writeUInt32LE(id, 8 + at * 8);
    }
    return new Map([['system.posix_acl_access', bytes]]);
  };
  const mapping = { uids: RANGES, gids: [{ containerId: 0, hostId: 200_000, size: 10 }] };
  assert.deepEqual(containerXattrs(acl(100_007, 200_008), mapping), acl(7, 8));
  assert.deepEqual(containerXattrs(acl(7, 200_008), mapping), acl(65534, 8), 'what the container lacks is nobody');
  assert.deepEqual(hostXattrs(acl(7, 8), mapping), acl(100_007, 200_008));
  const other = new Map([['user.note', Buffer.from('0200000002000000', 'hex')]]);
  assert.equal(containerXattrs(other, mapping), other);
});
