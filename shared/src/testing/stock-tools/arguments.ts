import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { parse } from 'yaml';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';

/** The version that the stand-ins name. */
export const version = '100.99.0';

/** Reads the command line as strictly as the stock tools do: an option that they do not know ends them. */
export function readArguments<T extends ParseArgsOptionsConfig>(
  options: T,
): ReturnType<typeof parseArgs<{ options: T; strict: true }>>['values'] {
  return parseArgs({ options, strict: true }).values;
}

/** Connects as a config file says. */
export async function connectBy(config: string | undefined): Promise<Connection> {
  const { uri } = parse(readFileSync(config ?? '', 'utf8')) as { readonly uri: string };
  return connect(new Secret(uri));
}
