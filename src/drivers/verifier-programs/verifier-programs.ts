import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Programs } from '../../core/kernel/programs.js';
import type { ProgramConsent, VerifierPrograms } from '../../core/verification/image-verifier.js';
import type { Descriptor } from '../../spec/descriptor.js';

const DESCRIPTOR_TYPE = 'application/vnd.oci.descriptor.v1+json';
const OUTPUT_BYTES_MAX = 32 * 1024;
const REASON_CHARACTERS_MAX = 1000;

export interface VerifierProgramsOptions {
  readonly programs: Pick<Programs, 'run'>;
  /** All files in it are asked, in the order of their names. */
  readonly directory: string;
  /** With more files than that every image is refused. */
  readonly max: number;
  /** Of each. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

/** Image verifiers as containerd has them (its docs/image-verification.md), but a missing directory and too many programs refuse. */
export function createVerifierPrograms(options: VerifierProgramsOptions): VerifierPrograms {
  const { directory, max } = options;
  return {
    async ask(name, target, signal) {
      const programs = await list(directory);
      if (programs.length > max) {
        throw refusal(`${directory} has ${programs.length} verifiers, more than the ${max} of max_verifiers`);
      }
      const consents: ProgramConsent[] = [];
      for (const program of programs)
        consents.push({ program, reason: await run(options, program, name, target, signal) });
      return consents;
    },
  };
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    throw refusal(`the directory of verifiers can't be read (${messageOf(cause)})`, cause);
  }
}

async function run(
  { programs, directory, timeoutMs, log }: VerifierProgramsOptions,
  program: string,
  name: string,
  target: Descriptor,
  signal: AbortSignal,
): Promise<string> {
  const { mediaType, digest, size, annotations } = target;
  const args = ['-name', name, '-digest', digest, '-stdin-media-type', DESCRIPTOR_TYPE];
  const stdin = Buffer.from(JSON.stringify({ mediaType, digest, size, ...(annotations && { annotations }) }));
  const bounds = { timeoutMs, maxOutputBytes: OUTPUT_BYTES_MAX, signal };
  const ended = await programs.run(join(directory, program), args, { stdin, ...bounds }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw refusal(`the verifier ${program} gave no answer (${messageOf(cause)})`, cause);
  });
  if (ended.stderr.length > 0) log.debug({ verifier: program, stderr: ended.stderr.toString() }, 'image verifier');
  const reason = oneLine(ended.stdout.toString());
  if (ended.code !== 0) throw refusal(`the verifier ${program} says no (exit code ${ended.code}): ${reason}`);
  return reason;
}

function oneLine(text: string): string {
  return text
    .slice(0, REASON_CHARACTERS_MAX)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}

function refusal(message: string, cause?: unknown): DaemonError {
  return new DaemonError('failed-precondition', message, { cause });
}
