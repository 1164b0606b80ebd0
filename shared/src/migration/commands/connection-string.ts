export interface NamedIn {
  readonly database: string;
  /** Name by which the server lists the operations of whoever connects with it. */
  readonly appName: string;
}

/**
 * The connection string for a program that is given nothing else: with the database in its path, and an application name. Users are still
 * looked up where they were: without `authSource` that would be the database in the path.
 */
export function connectionStringFor(uri: string, { database, appName }: NamedIn): string {
  const [, start = uri, path = '', query = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(uri.trim()) ?? [];
  const options = query.split('&').filter((option) => option !== '' && !/^appName=/i.test(option));
  const elsewhere = options.some((option) => /^authSource=|^authMechanism=(?!SCRAM)/i.test(option));
  const source = start.includes('@') && !elsewhere ? [`authSource=${path === '' ? 'admin' : path}`] : [];
  return `${start}/${encodeURIComponent(database)}?${[...options, ...source, `appName=${encodeURIComponent(appName)}`].join('&')}`;
}
