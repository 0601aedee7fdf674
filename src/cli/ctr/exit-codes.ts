import { messageOf } from '../../base/errors.js';
import type { Out } from '../shared/out.js';

/** As docker and podman have them. */
const FAILED = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

const NOT_FOUND_TEXT = /executable file not found|executable file `[^`]*` not found|no such file or directory/i;
const NOT_EXECUTABLE_TEXT = /permission denied|exec format error|is a directory/i;
const START_TEXT = /OCI runtime (?:create|exec|start) failed/;

/** Runs it; an error of the OCI runtime about the program itself becomes 126 or 127, any other failure is 125. */
export async function withExitCodes(out: Out, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const code = exitCodeOf(messageOf(error));
    if (code === FAILED) throw error;
    out.note(messageOf(error));
    return code;
  }
}

/** The exit code for what the OCI runtime said. */
export function exitCodeOf(message: string): number {
  if (!START_TEXT.test(message) || !/exec/.test(message) || /mount/.test(message)) return FAILED;
  if (NOT_FOUND_TEXT.test(message)) return NOT_FOUND;
  return NOT_EXECUTABLE_TEXT.test(message) ? NOT_EXECUTABLE : FAILED;
}
