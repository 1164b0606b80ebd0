import { lineText, placeOfFault } from './fault-place.ts';
import type { CallResult } from './worker/protocol.ts';

const shown = 5;

interface Printed {
  /** Lines that the migration wrote to stderr. */
  readonly printed: readonly string[];
  readonly workspace: string;
}

/** What deserves a look although the file succeeded, one sentence each. */
export function warningsOf({ unawaited, effects }: CallResult, { printed, workspace }: Printed): readonly string[] {
  return [
    ...unawaited.slice(0, shown).map(({ what, ...at }) => {
      const place = placeOfFault(at, workspace);
      const where = place === undefined ? '' : ` of ${place.file}${lineText(place)}`;
      return `The write ${what}${where} was still under way when it returned: an await is missing. It was waited for.`;
    }),
    ...(unawaited.length > shown ? [`${unawaited.length - shown} more writes were not awaited.`] : []),
    ...(effects.writeErrors === 0 ? [] : [`${effects.writeErrors} writes failed, and it went on.`]),
    ...printed.slice(0, shown).map((line) => `It printed to stderr: ${line.slice(0, 200)}`),
    ...(printed.length > shown ? [`It printed ${printed.length - shown} more lines to stderr.`] : []),
  ];
}
