import { digestOf, type Digest } from './digest.js';

/**
 * The chain IDs of a stack of layers, lowest first: one for each prefix (OCI image-spec, config.md, "Layer ChainID").
 *
 * @param diffIds Digests of the uncompressed layers, lowest first.
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

/** The chain ID of the whole stack; undefined for no layers at all. */
export function chainIdOf(diffIds: readonly Digest[]): Digest | undefined {
  return chainIds(diffIds).at(-1);
}
