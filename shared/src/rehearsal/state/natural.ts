import { stringOf, type RawElement } from '../../mongo/raw-bson.ts';

/** When a migration ran, milliseconds since 1970. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export type Nature = 'time of the run' | 'generated id';

/** The clocks of runner and server, and times in whole seconds. */
const slackMilliseconds = 2_000;

/** What a value is by nature, when it is one that a run of the migration in this window makes anew each time. Pure. */
export function natureOf({ type, value }: Pick<RawElement, 'type' | 'value'>, window: Window): Nature | undefined {
  switch (type) {
    case 0x01:
      return timeOf(value.readDoubleLE(), window);
    case 0x02:
      return ofText(stringOf(value), window);
    case 0x05:
      return isGeneratedUuid(value) ? 'generated id' : undefined;
    case 0x07:
      return within(value.readUInt32BE() * 1_000, window) ? 'generated id' : undefined;
    case 0x09:
    case 0x12:
      return timeOf(Number(value.readBigInt64LE()), window);
    case 0x10:
      return timeOf(value.readInt32LE(), window);
    case 0x11:
      return timeOf(value.readUInt32LE(4), window);
    default:
      return undefined;
  }
}

/** Whether two values at the same place differ only because the migration ran twice. Pure. */
export function sameNature(
  before: Pick<RawElement, 'type' | 'value'>,
  after: Pick<RawElement, 'type' | 'value'>,
  [first, second]: readonly [Window, Window],
): Nature | undefined {
  const nature = natureOf(before, first);
  return nature !== undefined && natureOf(after, second) === nature ? nature : undefined;
}

function within(time: number, { from, to }: Window): boolean {
  return time >= from - slackMilliseconds && time <= to + slackMilliseconds;
}

/** Milliseconds or whole seconds since 1970. */
function timeOf(value: number, window: Window): Nature | undefined {
  return within(value, window) || within(value * 1_000, window) ? 'time of the run' : undefined;
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[147][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

function ofText(text: string, window: Window): Nature | undefined {
  if (uuid.test(text)) return 'generated id';
  if (/^[\da-f]{24}$/i.test(text)) return within(Number.parseInt(text.slice(0, 8), 16) * 1_000, window) ? 'generated id' : undefined;
  return isoTime.test(text) && within(Date.parse(text), window) ? 'time of the run' : undefined;
}

/** Binary of subtype 4: four bytes of length, the subtype, sixteen bytes. Versions 1, 4 and 7 are new each time. */
function isGeneratedUuid(value: Buffer): boolean {
  const version = (value[11] ?? 0) >> 4;
  return value.length === 21 && value[4] === 4 && (version === 1 || version === 4 || version === 7);
}
