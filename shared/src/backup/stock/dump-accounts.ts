import { GuardError } from '../../errors/guard-error.ts';
import { elementOf, forEachDocument } from '../../mongo/raw-bson.ts';
import { AccountCollector, type WantedAccounts } from '../accounts/accounts.ts';
import type { StockDump } from './dump.ts';

/** The forms of users that servers of today take over. Source: mongodb/mongo-tools mongorestore/metadata.go. */
const readableVersions = new Set([3, 5]);

/**
 * The users and roles in a dump of mongodump, of these databases or all of them. Throws `restore/no-accounts`, `dump/*`.
 */
export async function accountsOfDump(
  dump: StockDump,
  { databases, signal }: { readonly databases?: readonly string[] | undefined; readonly signal?: AbortSignal | undefined },
): Promise<WantedAccounts> {
  if (!dump.accounts.some(({ kind }) => kind !== 'version'))
    throw new GuardError('restore/no-accounts', `The dump ${dump.location} holds neither users nor roles.`);
  const found = new AccountCollector(databases);
  for (const { kind, key } of dump.accounts)
    for await (const { bytes, place } of dump.read({ only: key, signal })) {
      if (kind !== 'version') found.add(kind, bytes);
      else if (!readableVersions.has(versionIn(bytes)))
        throw new GuardError(
          'dump/unsupported',
          `${place.file}: users of the form ${versionIn(bytes)}, which servers since 4.0 do not read.`,
        );
    }
  return found;
}

/** The form of users that the documents of `system.version` name. */
function versionIn(documents: Buffer): number {
  let version = 5;
  forEachDocument(documents, (start, end) => {
    const named = elementOf(documents.subarray(start, end), 'currentVersion');
    if (named?.type === 0x10) version = named.value.readInt32LE();
    if (named?.type === 0x01) version = named.value.readDoubleLE();
  });
  return version;
}
