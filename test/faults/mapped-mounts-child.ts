import { createMounts } from '../../src/sys/mounts.js';

/** Mounts an overlay of mapped layers again and again until it is killed. */
const [, , target = '', ...lower] = process.argv;
const mounts = createMounts();
const options = ['uidmap=0:100000:10', 'gidmap=0:100000:10', `lowerdir=${lower.join(':')}`];
process.stdout.write('begun\n');
for (;;) {
  await using _ = await mounts.mountAll([{ type: 'overlay', source: 'overlay', options }], target);
}
