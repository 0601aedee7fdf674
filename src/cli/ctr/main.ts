import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ioOf, runMain, spawnError } from '../shared/node-io.js';
import { runProgram } from '../shared/program.js';
import { ctr } from './program.js';

const io = ioOf(
  process,
  (file, args) =>
    new Promise((resolve, reject) => {
      const child = spawn(file, args, { stdio: 'inherit' });
      child.once('error', (cause) => {
        reject(spawnError(file, cause));
      });
      child.once('exit', (code, signal) => {
        resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
      });
    }),
);
void runMain(process, (argv) => runProgram(ctr, argv, io));
