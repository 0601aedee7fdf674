import type { LayerAttack, Target } from '../attack.js';
import { bombAttacks } from './bombs.js';
import { deviceAttacks, privilegeAttacks } from './devices.js';
import { hardLinkAttacks, linkAttacks, linkTargetAttacks } from './links.js';
import { nameAttacks } from './names.js';
import { stateAttacks, whiteoutAttacks } from './overlay.js';
import { diffIdAttacks, endlessAttacks, mediaTypeAttacks, programAttacks } from './streams.js';
import { valueAttacks } from './values.js';

/** Every attack, by rows. */
export function layerAttacks(target: Target): LayerAttack[] {
  return [
    ...nameAttacks(),
    ...linkAttacks(target),
    ...hardLinkAttacks(target),
    ...linkTargetAttacks(target),
    ...whiteoutAttacks(target),
    ...stateAttacks(),
    ...deviceAttacks(),
    ...privilegeAttacks(),
    ...bombAttacks(),
    ...diffIdAttacks(),
    ...endlessAttacks(),
    ...programAttacks(target),
    ...mediaTypeAttacks(),
    ...valueAttacks(),
  ];
}
