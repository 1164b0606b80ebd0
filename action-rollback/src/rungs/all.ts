import { rungsFor, type Rung, type RungName } from '@migration-guard/shared/rollback/ladder';
import type { Situation } from '../situation.ts';
import { downRung } from './down.ts';
import { restoreRung } from './restore.ts';
import { undoRung } from './undo.ts';

/** The rungs that the input `strategy` allows, the cheapest first. */
export function rungsOf(situation: Situation): readonly Rung[] {
  return rungsFor(situation.inputs.strategy ?? 'auto').map((name) => rungOf(situation, name));
}

function rungOf(situation: Situation, name: RungName): Rung {
  if (name === 'undo') return undoRung(situation);
  return name === 'down' ? downRung(situation) : restoreRung(situation, name);
}
