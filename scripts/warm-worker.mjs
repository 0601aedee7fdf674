/**
 * Has one worker thread do the tasks of a JSON file, one after another, and then keep what was compiled for them.
 * usage: node scripts/warm-worker.mjs WORKER TASKS   (environment: WHARFD_WARM)
 */
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';

const [worker, tasks] = process.argv.slice(2);
const thread = new Worker(resolve(worker));
for (const { make, ...task } of JSON.parse(readFileSync(tasks, 'utf8'))) {
  if (make !== undefined) mkdirSync(make);
  thread.postMessage({ task, cancel: new SharedArrayBuffer(4) });
  let [answer] = await once(thread, 'message');
  while (answer.type === 'progress') [answer] = await once(thread, 'message');
  if (answer.type !== 'done') throw new Error(`${task.kind}: ${answer.message}`);
}
thread.postMessage('keep');
await once(thread, 'exit');
