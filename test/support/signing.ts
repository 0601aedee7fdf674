import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { bundleToJSON, toDSSEBundle, type Bundle } from '@sigstore/bundle';
import { initializeCA, initializeCTLog, initializeTLog } from '@sigstore/mock';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { hexOf, type Digest } from '../../src/spec/digest.js';
import { makeArtifact, type Image } from './image.js';

export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
const ISSUER_OID = '1.3.6.1.4.1.57264.1.8';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Says that an image is signed, as cosign does. */
function statementOf(digest: Digest, predicateType: string): Buffer {
  const subject = [{ digest: { sha256: hexOf(digest) } }];
  return Buffer.from(
    JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {} }),
  );
}

function signEnvelope(payload: Buffer, key: KeyObject): Buffer {
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
  return sign('sha256', Buffer.concat([Buffer.from(head), payload]), key);
}

const toJson = (bundle: Bundle): Record<string, unknown> =>
  JSON.parse(JSON.stringify(bundleToJSON(bundle))) as Record<string, unknown>;

/** A key of its own. */
export function makeSigningKey() {
  const { publicKey, privateKey } = newKey();
  return {
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    /** A bundle without logs and clocks. */
    sign(digest: Digest, predicateType = SIGN_PREDICATE) {
      const artifact = statementOf(digest, predicateType);
      const signature = signEnvelope(artifact, privateKey);
      return toJson(toDSSEBundle({ artifact, artifactType: PAYLOAD_TYPE, signature, keyHint: 'hint' }));
    },
  };
}

/** An authority for identities with a log of certificates and one of signatures, and the trust root for them. */
export async function openAuthority(trustRoot: string) {
  const keys = { ca: newKey384(), ct: newKey(), log: newKey() };
  const ctLog = await initializeCTLog(keys.ct);
  const ca = await initializeCA(keys.ca, ctLog);
  const log = await initializeTLog('https://log.test', keys.log);
  const start = new Date(Date.now() - 3_600_000).toISOString();
  const logOf = (publicKey: Buffer) => ({
    baseUrl: 'https://log.test',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: publicKey.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start },
    },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  });
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: [
      {
        subject: { organization: 'test', commonName: 'test' },
        uri: 'https://ca.test',
        certChain: { certificates: [{ rawBytes: bytesOf(ca.rootCertificate).toString('base64') }] },
        validFor: { start },
      },
    ],
    tlogs: [logOf(log.publicKey)],
    ctlogs: [logOf(ctLog.publicKey)],
    timestampAuthorities: [],
  };
  await writeFile(trustRoot, JSON.stringify(root));
  return {
    trustRoot,
    async sign(digest: Digest, identity: string, issuer: string) {
      const { publicKey, privateKey } = newKey();
      const certificate = bytesOf(
        await ca.issueCertificate({
          publicKey: publicKey.export({ type: 'spki', format: 'der' }),
          subjectAltName: identity,
          extensions: [{ oid: ISSUER_OID, value: issuer }],
        }),
      );
      const artifact = statementOf(digest, SIGN_PREDICATE);
      const signature = signEnvelope(artifact, privateKey);
      const json = toJson(
        toDSSEBundle({ artifact, artifactType: PAYLOAD_TYPE, signature, certificate, certificateChain: false }),
      );
      const entry = await logged(log, { artifact, signature, certificate });
      const material = json['verificationMaterial'] as Record<string, unknown>;
      return { ...json, verificationMaterial: { ...material, tlogEntries: [entry] } };
    },
  };
}

const newKey384 = () => generateKeyPairSync('ec', { namedCurve: 'P-384' });
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

/** As rekor's API has it; the types of the library leave it open. */
interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification?: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof?: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
  };
}

/** The entry of a log for an envelope (rekor, dsse 0.0.1). */
async function logged(
  log: Awaited<ReturnType<typeof initializeTLog>>,
  { artifact, signature, certificate }: { artifact: Buffer; signature: Buffer; certificate: Buffer },
) {
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  const proposed = {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      payloadHash: { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') },
      signatures: [{ signature: signature.toString('base64'), verifier: Buffer.from(pem).toString('base64') }],
    },
  };
  const [made] = Object.values((await log.log(proposed)) as unknown as Record<string, LogEntry>);
  if (!made?.verification?.inclusionProof) throw new Error('the log gave no entry');
  const { checkpoint, hashes, logIndex, rootHash, treeSize } = made.verification.inclusionProof;
  return {
    logIndex: String(made.logIndex),
    logId: { keyId: Buffer.from(made.logID, 'hex').toString('base64') },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(made.integratedTime),
    inclusionPromise: { signedEntryTimestamp: made.verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(logIndex),
      rootHash: Buffer.from(rootHash, 'hex').toString('base64'),
      treeSize: String(treeSize),
      hashes: hashes.map((hash) => Buffer.from(hash, 'hex').toString('base64')),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: made.body,
  };
}

/** What a signature is pushed as. */
export function bundleArtifact(bundle: object | string, subject: Descriptor): Image {
  const text = typeof bundle === 'string' ? bundle : JSON.stringify(bundle);
  return makeArtifact(BUNDLE_TYPE, text, subject, BUNDLE_TYPE);
}
