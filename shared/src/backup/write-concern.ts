import { MongoServerError, type Document, type ErrorDescription } from 'mongodb';

/** What others rely on must be held by a majority, and a set that cannot do it within ten minutes is said. */
export const byMajority = { w: 'majority', wtimeout: 600_000 } as const;
/** Not waited for: what is read by majority at the time of this write or later shows that a majority holds it. */
export const byPrimary = { w: 1 } as const;

/** The reply. Throws what the server says instead of a confirmation: the driver hands it over like any other reply. */
export async function confirmed(command: Promise<Document>): Promise<Document> {
  const reply = await command;
  const { writeConcernError } = reply;
  if (writeConcernError !== undefined) throw new MongoServerError(writeConcernError as ErrorDescription);
  return reply;
}
