import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from './run.js';

/** Files of an authority of its own, and of certificates that it gives. */
export interface Authority {
  readonly certificate: string;
  /** A certificate for `name`, which may be an address. */
  issue(name: string): Promise<{ readonly certificate: string; readonly key: string }>;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes an authority in `dir`; its certificates last two days. */
export async function makeAuthority(dir: string, name = 'authority'): Promise<Authority> {
  const certificate = join(dir, `${name}.pem`);
  const key = join(dir, `${name}.key`);
  await output('openssl', [
    'req',
    '-x509',
    ...NEW_KEY,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  return {
    certificate,
    async issue(subject) {
      const base = join(dir, `${name}-${subject}`);
      const files = { certificate: `${base}.pem`, key: `${base}.key` };
      const kind = /^[\d.]+$/.test(subject) ? 'IP' : 'DNS';
      await output('openssl', [
        'req',
        ...NEW_KEY,
        '-subj',
        `/CN=${subject}`,
        '-keyout',
        files.key,
        '-out',
        `${base}.csr`,
      ]);
      await writeFile(`${base}.ext`, `subjectAltName=${kind}:${subject}\n`);
      const by = ['-CA', certificate, '-CAkey', key, '-CAcreateserial', '-extfile', `${base}.ext`, '-days', '2'];
      await output('openssl', ['x509', '-req', '-in', `${base}.csr`, ...by, '-out', files.certificate]);
      return files;
    },
  };
}
