import type { Socket } from 'node:net';
import { asBuffer, elementOf, elementsOf, forEachDocument, rawDocument, stringOf, type RawElement } from '../../../mongo/raw-bson.ts';
import type { FencePolicy, Refusal } from './policy.ts';
import type { Refusals } from './refuse.ts';

type Target = Pick<Refusal, 'kind' | 'target'>;

export interface CommandFence {
  readonly policy: Pick<FencePolicy, 'databases'>;
  readonly refusals: Refusals;
}

// Source: mongodb.com/docs/manual/reference/mongodb-wire-protocol.
const headerLength = 16;
const opMessage = 2013;
const opQuery = 2004;
const checksumPresent = 1;
const noReply = 2;

/** Commands that neither read nor change a database. */
const harmless =
  /^(hello|ismaster|ping|sasl\w+|authenticate|logout|getnonce|buildinfo|endsessions|startsession|refreshsessions|killsessions|killcursors|committransaction|aborttransaction|connectionstatus|getparameter|serverstatus|hostinfo|listdatabases|listcommands|replsetgetstatus|currentop|getcmdlineopts|whatsmyuri|features|getdefaultrwconcern)$/;

/** Users and roles belong to the server, whatever database they name. */
const usersAndRoles =
  /^(create|update|drop|grant|revoke)\w*(User|Users|Role|Roles|PrivilegesToRole|PrivilegesFromRole|RolesFrom\w+|RolesTo\w+)/;

/** Looks at every command that is written to the copy's server: one on another database is answered with an error and never sent. */
export function fenceCommands(socket: Socket, { policy, refusals }: CommandFence): void {
  const allowed = new Set(Object.values(policy.databases));
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let held: Buffer = Buffer.alloc(0);
  socket.write = (...args: unknown[]): boolean => {
    const [chunk, encoding, callback] = args;
    if (typeof chunk === 'string') return write(...args);
    const done = (typeof encoding === 'function' ? encoding : callback) as (() => void) | undefined;
    held = held.length === 0 ? asBuffer(chunk as Uint8Array) : Buffer.concat([held, asBuffer(chunk as Uint8Array)]);
    const send: Buffer[] = [];
    while (held.length > 0) {
      if (held.length < headerLength || held.length < held.readInt32LE(0)) break;
      const message = held.subarray(0, held.readInt32LE(0));
      held = held.subarray(message.length);
      const target = foreignTarget(message, allowed);
      if (target === undefined) send.push(withoutProfile(message));
      else refuse(socket, message, refusals.refuse(target));
    }
    if (send.length > 0) return write(send.length === 1 ? send[0] : Buffer.concat(send), done);
    if (done !== undefined) process.nextTick(done);
    return true;
  };
}

/** What a message is about that is not part of the copy. Compressed messages cannot be looked into. */
export function foreignTarget(message: Buffer, allowed: ReadonlySet<string>): Target | undefined {
  const opCode = message.readInt32LE(12);
  const unseen = (target: string): Target => ({ kind: 'database', target });
  if (opCode === opQuery)
    return message.toString('latin1', 20, message.indexOf(0, 20)) === 'admin.$cmd' ? undefined : unseen('a legacy query');
  if (opCode !== opMessage) return unseen('a compressed or legacy message');
  const { body, sequences } = sectionsOf(message);
  return body === undefined ? unseen('a message without a command') : foreignCommand(body, { allowed, sequences });
}

interface Sections {
  /** The command. */
  readonly body: Buffer | undefined;
  /** Lists of documents that are sent beside the command, by the field for which they stand. */
  readonly sequences: ReadonlyMap<string, readonly Buffer[]>;
}

function sectionsOf(message: Buffer): Sections {
  const sequences = new Map<string, readonly Buffer[]>();
  let body: Buffer | undefined;
  let position = headerLength + 4;
  const end = (message.readUInt32LE(headerLength) & checksumPresent) === 0 ? message.length : message.length - 4;
  while (position < end) {
    const section = message.subarray(position + 1, position + 1 + message.readInt32LE(position + 1));
    if (message[position] === 0) body = section;
    else sequences.set(section.toString('latin1', 4, section.indexOf(0, 4)), documentsOf(section.subarray(section.indexOf(0, 4) + 1)));
    position += 1 + section.length;
  }
  return { body, sequences };
}

function documentsOf(bytes: Buffer): readonly Buffer[] {
  const documents: Buffer[] = [];
  forEachDocument(bytes, (start, end) => documents.push(bytes.subarray(start, end)));
  return documents;
}

interface Beside extends Pick<Sections, 'sequences'> {
  readonly allowed: ReadonlySet<string>;
}

function foreignCommand(body: Buffer, { allowed, sequences }: Beside): Target | undefined {
  const [first] = elementsOf(body);
  const database = textOf(elementOf(body, '$db')) ?? '';
  const command = first?.name ?? '';
  const collection = first === undefined ? undefined : textOf(first);
  if (harmless.test(command.toLowerCase())) return undefined;
  if (command === 'dropDatabase') return { kind: 'drop', target: database };
  if (usersAndRoles.test(command)) return { kind: 'users', target: command };
  const target = foreignNamespace(body, { database, command, collection, allowed, sequences });
  return target === undefined ? undefined : { kind: 'database', target };
}

interface Command extends Beside {
  readonly database: string;
  readonly command: string;
  readonly collection: string | undefined;
}

function foreignNamespace(body: Buffer, sent: Command): string | undefined {
  const { database, command, collection, allowed } = sent;
  // Its operations may be about anything on the server.
  if (command === 'applyOps') return `${database} (applyOps)`;
  const written = writtenNamespace(body, sent);
  if (written !== undefined && !allowed.has(written.split(/[. ]/)[0] ?? '')) return written;
  if (allowed.has(database)) return undefined;
  if (database !== 'admin') return collection === undefined ? database : `${database}.${collection}`;
  return foreignAdmin(body, sent);
}

/** The few commands that are sent to `admin` and are about other databases. */
function foreignAdmin(body: Buffer, { command, allowed, sequences }: Command): string | undefined {
  const isForeign = (namespace: string | undefined): boolean => !allowed.has(namespace?.split('.')[0] ?? '');
  if (command === 'renameCollection') {
    return ['renameCollection', 'to'].map((name) => textOf(elementOf(body, name))).find(isForeign);
  }
  if (command === 'aggregate' && elementOf(body, 'aggregate')?.type !== 0x02) return undefined;
  if (command === 'bulkWrite') {
    const listed = elementOf(body, 'nsInfo');
    const namespaces = sequences.get('nsInfo') ?? (listed === undefined ? [] : [...elementsOf(listed.value)].map(({ value }) => value));
    return namespaces.map((namespace) => textOf(elementOf(namespace, 'ns')) ?? '').find(isForeign);
  }
  return `admin (${command})`;
}

/** Where a `mapReduce` or the last stage of a pipeline writes to, when it names a database. */
function writtenNamespace(body: Buffer, { database, command }: Command): string | undefined {
  if (/^mapreduce$/i.test(command)) {
    const out = documentAt(body, 'out');
    const into = out === undefined ? undefined : textOf(elementOf(out, 'db'));
    return into === undefined ? undefined : `${into} (${command})`;
  }
  const pipeline = elementOf(body, 'pipeline');
  const last = pipeline?.type === 0x04 ? [...elementsOf(pipeline.value)].at(-1) : undefined;
  if (last?.type !== 0x03) return undefined;
  const merge = documentAt(last.value, '$merge');
  const target = documentAt(last.value, '$out') ?? (merge === undefined ? undefined : documentAt(merge, 'into'));
  if (target === undefined) return undefined;
  return `${textOf(elementOf(target, 'db')) ?? database}.${textOf(elementOf(target, 'coll')) ?? ''}`;
}

function documentAt(body: Buffer, name: string): Buffer | undefined {
  const element = elementOf(body, name);
  return element?.type === 0x03 ? element.value : undefined;
}

function textOf(element: RawElement | undefined): string | undefined {
  return element?.type === 0x02 ? stringOf(element.value) : undefined;
}

/** The profiler of the rehearsal is not there in the list of collections: production has none. */
function withoutProfile(message: Buffer): Buffer {
  if (message.readInt32LE(12) !== opMessage || !message.includes('listCollections')) return message;
  const { body } = sectionsOf(message);
  const elements = body === undefined ? [] : [...elementsOf(body)];
  if (elements[0]?.name !== 'listCollections') return message;
  const filter = elements.find(({ name }) => name === 'filter');
  const others: RawElement = { type: 0x03, name: 'name', value: rawDocument([text('$ne', 'system.profile')]) };
  const both = [rawDocument([others]), ...(filter === undefined ? [] : [filter.value])];
  const list = rawDocument(both.map((value, index) => ({ type: 0x03, name: String(index), value })));
  const narrowed: RawElement = { type: 0x03, name: 'filter', value: rawDocument([{ type: 0x04, name: '$and', value: list }]) };
  const command = rawDocument([...elements.filter(({ name }) => name !== 'filter'), narrowed]);
  const changed = Buffer.concat([message.subarray(0, headerLength + 5), command]);
  changed.writeInt32LE(changed.length, 0);
  return changed;
}

/** Answers as a server does that forbids the command. */
function refuse(socket: Socket, message: Buffer, { message: reason }: Error): void {
  if ((message.readUInt32LE(headerLength) & noReply) !== 0) return;
  const reply = rawDocument([number('ok', 0), text('errmsg', reason), number('code', 13), text('codeName', 'Unauthorized')]);
  const answer = Buffer.alloc(headerLength + 5);
  answer.writeInt32LE(answer.length + reply.length, 0);
  answer.writeInt32LE(message.readInt32LE(4), 8);
  answer.writeInt32LE(opMessage, 12);
  process.nextTick(() => socket.push(Buffer.concat([answer, reply])));
}

function number(name: string, value: number): RawElement {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return { type: 0x10, name, value: bytes };
}

function text(name: string, value: string): RawElement {
  const bytes = Buffer.from(`${value}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32LE(bytes.length);
  return { type: 0x02, name, value: Buffer.concat([length, bytes]) };
}
