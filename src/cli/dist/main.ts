import { spawn } from 'node:child_process';
import { ioOf, runMain } from '../shared/node-io.js';
import { runProgram } from '../shared/program.js';
import { dist } from './program.js';

const io = ioOf(process, spawn);
void runMain(process, (argv) => runProgram(dist, argv, io));
