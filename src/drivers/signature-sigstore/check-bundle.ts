import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { bundleFromJSON, type Bundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier, type Signer, type TrustMaterial } from '@sigstore/verify';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { SignatureChecker } from '../../core/verification/image-verifier.js';
import type { Signers } from '../../core/verification/policy.js';
import type { Digest } from '../../spec/digest.js';
import { matchesGlob } from '../../spec/glob.js';
import { checkStatement } from './statement.js';

const KEY_BYTES_MAX = 64 * 1024;
const TRUST_ROOT_BYTES_MAX = 4 * 1024 * 1024;
/** Each costs the verification of a signature; honest bundles have one or two. */
const PROOFS_MAX = 8;

/** As `SignatureChecker` has it, by sigstore's own library. */
export async function checkBundle(
  bytes: Uint8Array,
  subject: Digest,
  { signers, predicateTypes }: Parameters<SignatureChecker['check']>[2],
): Promise<string> {
  const trust = await trustOf(signers);
  const bundle = parseBundle(bytes);
  const signer = verifyBundle(bundle, signers, trust);
  checkEnvelope(bundle, subject, predicateTypes);
  return signer;
}

function parseBundle(bytes: Uint8Array): Bundle {
  const bundle = bundleFromJSON(JSON.parse(Buffer.from(bytes).toString()));
  const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
  const proofs = Math.max(tlogEntries.length, timestampVerificationData?.rfc3161Timestamps.length ?? 0);
  if (proofs > PROOFS_MAX) throw new Error(`has ${proofs} entries of logs or timestamps, more than ${PROOFS_MAX}`);
  return bundle;
}

/** @returns Who has signed. @throws What the library throws: it isn't signed, or not by them. */
function verifyBundle(bundle: Bundle, signers: Signers, trust: TrustMaterial): string {
  const entity = toSignedEntity(bundle);
  const isKey = entity.key.$case === 'public-key';
  if (isKey !== (signers.kind === 'key')) {
    throw new Error(isKey ? 'is signed by a key, not by an identity' : 'is signed by an identity, not by a key');
  }
  if (signers.kind === 'key') {
    const logged = signers.trustRoot !== undefined;
    const verifier = new Verifier(trust, {
      ...{ tlogThreshold: logged ? 1 : 0, timestampThreshold: logged ? 1 : 0, ctlogThreshold: 0 },
    });
    // Without a trust root there is nothing by which proofs of logs and clocks could be told; the key alone counts then.
    verifier.verify(logged ? entity : { ...entity, tlogEntries: [], timestamps: [] });
    return `the key ${signers.keyFile}`;
  }
  // A trust root without logs is of an installation that has none.
  const verifier = new Verifier(trust, {
    ...{ tlogThreshold: Math.min(trust.tlogs.length, 1), ctlogThreshold: Math.min(trust.ctlogs.length, 1) },
    timestampThreshold: 1,
  });
  return checkIdentity(verifier.verify(entity), signers);
}

function checkIdentity({ identity }: Signer, signers: Extract<Signers, { kind: 'identity' }>): string {
  const issuer = identity?.extensions?.issuer;
  const who = identity?.subjectAlternativeName;
  if (issuer !== signers.issuer) throw new Error(`the issuer of the signer is ${String(issuer)}`);
  if (who === undefined || !matchesGlob(signers.identity, who)) throw new Error(`the signer is ${String(who)}`);
  return `${who} of ${issuer}`;
}

function checkEnvelope(bundle: Bundle, subject: Digest, predicateTypes: readonly string[]): void {
  if (bundle.content.$case !== 'dsseEnvelope') throw new Error('is no signed statement (DSSE)');
  const { payload, payloadType } = bundle.content.dsseEnvelope;
  checkStatement(payload, payloadType, subject, predicateTypes);
}

async function trustOf(signers: Signers): Promise<TrustMaterial> {
  const key = signers.kind === 'key' ? await readKey(signers.keyFile) : undefined;
  const publicKey: TrustMaterial['publicKey'] = () => {
    if (key === undefined) throw new Error('is signed by a key, not by an identity');
    return { publicKey: key, validFor: () => true };
  };
  if (signers.trustRoot === undefined) {
    return { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey };
  }
  return readSetting('trust root', signers.trustRoot, TRUST_ROOT_BYTES_MAX, (bytes) =>
    toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(bytes.toString())), publicKey),
  );
}

function readKey(path: string): Promise<KeyObject> {
  return readSetting('key', path, KEY_BYTES_MAX, (bytes) => createPublicKey(bytes));
}

/** Read each time, so that a key may be changed without a restart. */
async function readSetting<T>(what: string, path: string, maxBytes: number, parse: (bytes: Buffer) => T): Promise<T> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw new Error(`it has ${size} bytes`);
    return parse(await readFile(path));
  } catch (cause) {
    throw new DaemonError('failed-precondition', `the ${what} ${path} can't be used (${messageOf(cause)})`, { cause });
  }
}
