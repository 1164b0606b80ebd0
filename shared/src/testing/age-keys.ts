import { parseIdentities, parseRecipients, type Identity, type Recipient } from '../backup/age/keys.ts';
import { Secret } from '../redaction/secret.ts';

/** A pair of keys as age-keygen made it. It protects nothing. */
export const testKey = {
  recipient: 'age12aujmefp6zvh0s7stdfhu5c2fsh9gjj2vnhn9nhan7h5khcvl49quame07',
  secret: 'AGE-SECRET-KEY-10D0R7CN2DF82LQGMR5PRVQHMM4JUMVXXDMZG264MAR5Z4P0C5RASGFFLZC',
} as const;

/** The pair of somebody else. */
export const otherKey = {
  recipient: 'age1f9607n5e70n0l3z6ljrplqtqd8qzvtr0qv9p7s09rl5vr5qf05hsjqd4ne',
  secret: 'AGE-SECRET-KEY-1HR5FLQNEEKRQ3U4W9M43SP8880SP55NUML8GX3L2RTEARLY5RFXSET5678',
} as const;

export const testRecipients: readonly Recipient[] = parseRecipients([testKey.recipient]);
export const testIdentities: readonly Identity[] = parseIdentities(new Secret(testKey.secret));
export const otherIdentities: readonly Identity[] = parseIdentities(new Secret(otherKey.secret));
