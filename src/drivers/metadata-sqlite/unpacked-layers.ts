import type { LayerRecord } from '../../core/fsck/layer-record.js';
import type { Digest } from '../../spec/digest.js';
import type { Database } from './database.js';

/** Layers with the chain IDs under which we adopted them, the oldest first. */
export function unpackedLayers(db: Database): readonly LayerRecord[] {
  return db
    .sql<{ snapshotter: string; layer: number; name: Digest; namespaces: string }>(
      `SELECT snapshotter, layer, name, json_group_array(namespace) AS namespaces FROM snapshots WHERE chained = 1
       GROUP BY snapshotter, layer, name ORDER BY layer`,
    )
    .all()
    .map(({ snapshotter, layer, name, namespaces }) => ({
      snapshotter,
      id: layer,
      chainId: name,
      namespaces: JSON.parse(namespaces) as string[],
    }));
}
