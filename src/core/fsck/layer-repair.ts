import { readFile } from 'node:fs/promises';
import { writeDurably } from '../../base/durable.js';
import { DaemonError, isKind } from '../../base/errors.js';
import { chainIds } from '../../spec/chain-id.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { parseImageConfig } from '../../spec/image-config.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { BlobFiles } from '../content/blob-files.js';
import type { ContentStore } from '../content/content-store.js';
import { childrenOf, readDocument } from '../images/handlers/children.js';
import { effect, inOrder } from '../images/handlers/handler.js';
import { walk } from '../images/handlers/walk.js';
import type { ImageStore } from '../images/image-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { LayerFlight, type LayerWorkshop } from '../rootfs/layer-flight.js';
import type { LayeredSnapshotter } from '../snapshots/snapshotter.js';
import { inventoryOf } from './inventory-file.js';
import type { LayerRecord } from './layer-record.js';
import type { CheckTreeTask } from './tree-tasks.js';

export interface LayerRepair {
  /**
   * Unpacks the layer anew beside itself and moves into it what it lacks; whoever has it mounted goes on.
   *
   * @throws not-found: no image has the layer any more. data-loss: it differs even so.
   */
  repair(layer: LayerRecord, signal: AbortSignal): Promise<void>;
}

/** How a layer came about. */
interface Recipe {
  readonly layer: Descriptor;
  readonly diffIds: readonly Digest[];
}

export function createLayerRepair(parts: {
  readonly content: Scoped<ContentStore>;
  readonly blobFiles: BlobFiles;
  readonly images: Scoped<ImageStore>;
  readonly snapshots: (scope: Scope, name: string) => LayeredSnapshotter;
  readonly layers: () => readonly LayerRecord[];
  readonly workshopOf: (snapshotter: string) => LayerWorkshop;
}): LayerRepair {
  return {
    async repair(record, signal) {
      const { recipe, scope } = await findRecipe(parts, record, signal);
      const workshop = parts.workshopOf(record.snapshotter);
      const { backend, pool } = workshop;
      const snapshotter = parts.snapshots(scope, record.snapshotter);
      const flight = flightOver(parts.layers(), record, recipe, workshop);
      try {
        flight.start({
          layer: recipe.layer,
          snapshotter,
          open: (until) => parts.blobFiles(scope, recipe.layer.digest, until),
        });
        const { layerId } = await flight.finished;
        const directory = backend.filesOf(record.id);
        // Not the layer's own, which the same accident may have damaged.
        const file = inventoryOf(backend, layerId);
        const task: CheckTreeTask = { kind: 'check-tree', directory, file, from: backend.filesOf(layerId) };
        const left = await pool.run<readonly string[]>(task, { signal });
        if (left.length > 0) {
          throw new DaemonError('data-loss', `${left.length} paths differ even after it was unpacked anew`);
        }
        await flight.flushed();
        await backend.sync([record.id]);
        await writeDurably(inventoryOf(backend, record.id), await readFile(file));
      } finally {
        await flight.abandon(new DaemonError('canceled', 'the repair has ended'));
      }
    },
  };
}

/** A flight of this one layer, on those below as they are. */
function flightOver(
  layers: readonly LayerRecord[],
  record: LayerRecord,
  { diffIds }: Recipe,
  workshop: LayerWorkshop,
): LayerFlight {
  const ids = new Map(
    layers.filter(({ snapshotter }) => snapshotter === record.snapshotter).map(({ chainId, id }) => [chainId, id]),
  );
  let flight: LayerFlight | undefined;
  for (const [at, chainId] of chainIds(diffIds).entries()) {
    const parent = flight;
    flight = new LayerFlight(chainId, diffIds[at] ?? chainId, parent, workshop);
    flight.finished.catch(() => undefined);
    if (chainId === record.chainId) return flight;
    const id = ids.get(chainId);
    if (id === undefined) throw new DaemonError('not-found', `the layer ${chainId} below it is not there`);
    flight.exists(id);
  }
  throw new DaemonError('internal', `no layer of the chain is ${record.chainId}`);
}

async function findRecipe(
  { content, images }: { readonly content: Scoped<ContentStore>; readonly images: Scoped<ImageStore> },
  { chainId, namespaces }: LayerRecord,
  signal: AbortSignal,
): Promise<{ readonly recipe: Recipe; readonly scope: Scope }> {
  for (const namespace of namespaces) {
    const scope = { namespace };
    for (const { target } of await images(scope).list()) {
      const recipe = await recipeIn(content(scope), target, chainId, signal);
      if (recipe) return { recipe, scope };
    }
  }
  throw new DaemonError('not-found', 'no image has the layer any more: pull one that has it');
}

async function recipeIn(
  content: ContentStore,
  target: Descriptor,
  chainId: Digest,
  signal: AbortSignal,
): Promise<Recipe | undefined> {
  let found: Recipe | undefined;
  const below = childrenOf(content);
  const look = effect(async (descriptor) => {
    if (found !== undefined || kindOfMedia(descriptor.mediaType) !== 'manifest') return;
    const [config, ...layers] = await below(descriptor, signal);
    if (config === undefined) return;
    const { diffIds } = parseImageConfig(await readDocument(content, config, signal), config.digest);
    const at = chainIds(diffIds).indexOf(chainId);
    const layer = layers[at];
    if (layer !== undefined) found = { layer, diffIds: diffIds.slice(0, at + 1) };
  });
  // Of an index only some platforms are there; documents of other kinds are no images.
  const tolerant = inOrder(look, below);
  await walk(
    async (descriptor, until) => {
      try {
        return await tolerant(descriptor, until);
      } catch (error) {
        if (isKind(error, 'not-found') || isKind(error, 'invalid-argument') || isKind(error, 'data-loss')) return [];
        throw error;
      }
    },
    [target],
    { signal },
  );
  return found;
}
