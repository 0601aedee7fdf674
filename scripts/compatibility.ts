/** Writes docs/compatibility.md from what the tests of the clients have recorded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compatibilityPage } from '../test/clients/compatibility-table.js';
import { PACKAGE_ROOT } from '../test/support/package-root.js';

await writeFile(join(PACKAGE_ROOT, 'docs/compatibility.md'), await compatibilityPage());
