import { isKind } from '../../base/errors.js';
import type { Session } from '../../client/session.js';
import { canonicalName } from '../../spec/familiar-name.js';
import type { Out } from './out.js';

/** The whole name for what was typed; says which one it is, when it is another. */
export function fullName(typed: string, out: Out): string {
  const name = canonicalName(typed);
  if (name !== typed) out.note(`using ${name}`);
  return name;
}

/** Where images are, and what is said about their names. */
interface Images {
  readonly session: () => Session;
  readonly out: Out;
  readonly signal: AbortSignal;
}

/**
 * The name of an image that should be here: the whole one for what was typed, as `fullName` has it; where no image has that, exactly
 * what was typed, if one is called so. Other clients give any names.
 *
 * @throws invalid-argument: nothing is called so, and it is no name of a registry's.
 */
export async function storedName(typed: string, images: Images): Promise<string> {
  const name = wholeName(typed);
  if (name === typed) return name;
  const isOther = (name === undefined || !(await isThere(name, images))) && (await isThere(typed, images));
  return isOther ? typed : fullName(typed, images.out);
}

function wholeName(typed: string): string | undefined {
  try {
    return canonicalName(typed);
  } catch (error) {
    if (isKind(error, 'invalid-argument')) return undefined;
    throw error;
  }
}

async function isThere(name: string, { session, signal }: Images): Promise<boolean> {
  if (name === '') return false;
  try {
    await session().service('containerd.services.images.v1.Images').get({ name }, { signal });
    return true;
  } catch (error) {
    if (isKind(error, 'not-found')) return false;
    throw error;
  }
}
