// A client of the tasks service that a test can kill: makes the task of a container, and starts it when it is told to. Plain JavaScript on
// what the build made, because a loader would take longer than all the rest.
// usage: task-client.mjs CLIENT-LIBRARY ADDRESS NAMESPACE ID STDOUT; on stdin a line starts the process; on stdout a line for each step.
import { createReadStream } from 'node:fs';
import { once } from 'node:events';

const [library, address, namespace, id, stdout] = process.argv.slice(2);
const { openSession } = await import(library);
const session = openSession({ address, namespace });
const tasks = session.service('containerd.services.tasks.v1.Tasks');
const snapshots = session.service('containerd.services.snapshots.v1.Snapshots');
createReadStream(stdout).resume();
const { mounts } = await snapshots.mounts({ snapshotter: 'overlayfs', key: id });
await tasks.create({ container_id: id, rootfs: mounts, stdout });
process.stdout.write('created\n');
await once(process.stdin, 'data');
await tasks.start({ container_id: id });
process.stdout.write('started\n');
await tasks.wait({ container_id: id });
