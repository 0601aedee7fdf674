import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { eventually } from '../../support/eventually.js';
import { output, run } from '../../support/run.js';
import { masked } from './listing.js';
import type { NamedScenario } from './scenario.js';
import type { Side } from './world.js';

/** Debian's. */
export const CTR = '/usr/bin/ctr';

/** How a call ended and what it wrote, masked. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Makes the call against one side. */
export async function tell(side: Side, scenario: NamedScenario): Promise<Said> {
  const args = wordsOf(scenario, side);
  if (scenario.prepare) await output('sh', ['-c', scenario.prepare], { cwd: side.dir });
  const all = ['--address', side.address, '--namespace', side.namespace, ...args];
  if (scenario.interrupted) return await interrupted(side, all);
  const ran = await run(CTR, all, {
    ...(scenario.stdin !== undefined && { input: scenario.stdin }),
    env: { PATH: process.env.PATH },
    cwd: side.dir,
  });
  return { code: ran.code, stdout: masked(ran.stdout.toString(), side), stderr: masked(ran.stderr.toString(), side) };
}

/** A space within a word is written as a no-break space in the tables. */
function wordsOf({ args }: NamedScenario, side: Side): string[] {
  const words = typeof args === 'string' ? args.split(' ').map((word) => word.replaceAll('\u00a0', ' ')) : args;
  return words.map((word) => word.replace(/\{(\w+)\}/g, (whole, name: string) => side.words[name] ?? whole));
}

/** The order of labels is that of a map in the client. */
function sortedLabels(cell: string): string {
  return cell.includes('=') ? cell.split(',').sort().join(',') : cell;
}

/** Lets it run until it has told of something. */
async function interrupted(side: Side, args: readonly string[]): Promise<Said> {
  const child = spawn(CTR, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? 130);
    });
  });
  let first: string | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('/namespaces/delete')) first ??= line;
  });
  const namespaces = side.channel.service('containerd.services.namespaces.v1.Namespaces');
  await eventually(async () => {
    await namespaces.create({ namespace: { name: 'told' } });
    await namespaces.delete({ name: 'told' });
    assert.notEqual(first, undefined);
  });
  child.kill('SIGINT');
  return { code: await ended, stdout: masked(first ?? '', side), stderr: '' };
}

/** Newer versions say how long the label is, and more of its key. */
const LABEL_SIZE = /(label key and value)(?: length \(\d+ bytes\))? greater than .*/;

/** What has to be the same on both sides. */
export function comparable({ code, stdout, stderr }: Said, { same = 'all', unordered }: NamedScenario): object {
  if (same === 'code') return { code };
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(sortedLabels));
  if (same === 'heading') return { code, heading: lines[0] };
  const told = same === 'all' ? lines : lines.map((cells) => same.map((at) => cells[at]));
  const rows = told.map((cells) => cells.join(' '));
  return { code, stdout: unordered ? rows.sort() : rows, stderr: stderr.replace(LABEL_SIZE, '$1').split('\n').sort() };
}
