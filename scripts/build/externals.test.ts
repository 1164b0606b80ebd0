import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { externals } from './bundle.ts';

const connectionStrings = [
  'mongodb://localhost',
  'mongodb://a:1,b:2,c/db?replicaSet=m&w=majority',
  'mongodb://user:p%40ss@h1,h2/db?authMechanismProperties=A:1,B:2&tls=true',
  'mongodb://u:p ss@h/db?x=ü&y=%zz',
  'mongodb://u"<>`:p^|@h/',
  'mongodb+srv://c.example.net/?RetryWrites=false',
  'mongodb+srv://a,b/',
  'mongodb://%2Ftmp%2Fx.sock/db',
  'mongodb://u%3A:x@[::1]:27017/?a=b&A=c',
  'mongodb://h/?readPreferenceTags=a:b,c:d&readPreferenceTags=',
  'mongodb://h/?tlsCAFile=C:\\x\\y&a=+%2B',
  'mongodb://ü.example/db#frag',
  'mongodb://h/d b?x=1 2',
  'mongodb://h?x=1',
  'mongodb://h/..%2f/../x',
  'mongodb://u:p@h/%00',
  'mongodb://',
  'mongodb:///db',
  'mongodb://:@x',
  'mongodb://us/er@x',
  'mongodb://a b/',
  'http://x',
];

/** Reads every connection string, strictly and loosely, and prints all that it is or the error. */
const program = `
  import { createRequire, registerHooks } from 'node:module';
  const [replaced, strings] = process.argv.slice(1).map((text) => JSON.parse(text));
  registerHooks({ resolve: (name, context, next) => next(replaced[name] ?? name, context) });
  const driver = createRequire(createRequire(import.meta.url).resolve('mongodb'));
  const { ConnectionString } = driver('mongodb-connection-string-url');
  const describe = (text, looseValidation) => {
    try {
      const read = new ConnectionString(text, { looseValidation });
      read.searchParams.set('appname', 'X Y');
      const { href, hosts, pathname, search, username, password, protocol, origin, hash, isSRV, searchParams } = read;
      const copies = [read.toString(), read.redact().toString(), read.clone().toString()];
      const parameters = [[...searchParams], searchParams.get('REPLICASET'), searchParams.getAll('a')];
      return { href, hosts, pathname, search, username, password, protocol, origin, hash, isSRV, copies, parameters };
    } catch (error) {
      return String(error);
    }
  };
  console.log(JSON.stringify(strings.map((text) => [describe(text, false), describe(text, true)])));
`;

async function read(replaced: Readonly<Record<string, string>>): Promise<unknown> {
  const args = ['--input-type=module', '-e', program, JSON.stringify(replaced), JSON.stringify(connectionStrings)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  return JSON.parse(stdout);
}

test('the URL of Node reads connection strings as the one that the driver brings', async () => {
  const expected = await read({});
  expect(JSON.stringify(expected)).toContain('"replicaSet"');
  expect(await read(externals)).toEqual(expected);
});

test('what takes the place of a package is a module of Node', async () => {
  await expect(read({ 'whatwg-url': 'node:no-such-module' })).rejects.toThrow('no-such-module');
  expect(Object.values(externals).every((name) => name.startsWith('node:'))).toBe(true);
});
