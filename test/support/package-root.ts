import { fileURLToPath } from 'node:url';

/** The checkout, where build/ lies. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
