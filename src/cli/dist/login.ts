import { authenticate } from '../../client/remotes.js';
import { DaemonError } from '../../base/errors.js';
import { AuthFile, authFilePath } from '../shared/auth-file.js';
import { CredentialHelper } from '../shared/credential-helper.js';
import { defineCommand } from '../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../shared/credentials.js';
import { flag } from '../shared/options.js';
import { readSecret } from '../shared/secret.js';

export const login = defineCommand({
  usage: 'login [host]',
  summary: 'Check a user and password with a registry, and keep them for later commands',
  details:
    'The password comes on stdin. It is kept by a credential helper if the file of logins names one, else in the file.',
  options: {
    ...REGISTRY_OPTIONS,
    passwordStdin: flag('--password-stdin', 'changes nothing: the password always comes on stdin'),
  },
  async run({ args, options, session, io, out, signal }) {
    const host = args[0] ?? 'docker.io';
    const { user } = options;
    if (user === undefined)
      throw new DaemonError('invalid-argument', 'login needs --user NAME, and the password on stdin');
    const secret = await readSecret(io, `password of ${user} at ${host}: `);
    const credentials = { kind: 'basic', user, secret } as const;
    const access = { ...registryAccessOf(options, io), credentials: () => Promise.resolve(credentials) };
    await authenticate(session(), host, access, signal);
    const path = authFilePath(io);
    const file = await AuthFile.open(path);
    const helper = file.helper(host);
    if (helper === undefined) await file.set(host, credentials);
    else await new CredentialHelper(io, helper).store(AuthFile.serverOf(host), credentials);
    out.line(`${user} is logged in to ${host}; kept ${helper === undefined ? `in ${path}` : `by ${helper}`}`);
    return 0;
  },
});

export const logout = defineCommand({
  usage: 'logout [host]',
  summary: 'Forget what login has kept for a registry',
  async run({ args, io, out }) {
    const host = args[0] ?? 'docker.io';
    const file = await AuthFile.open(authFilePath(io));
    const helper = file.helper(host);
    if (helper !== undefined) await new CredentialHelper(io, helper).erase(AuthFile.serverOf(host));
    await file.set(host, undefined);
    out.line(`no login for ${host} is kept`);
    return 0;
  },
});
