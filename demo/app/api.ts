import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { ObjectId, type Db, type Document } from 'mongodb';

/** An answer that a client gets instead of what it asked for. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Call {
  readonly db: Db;
  readonly body: Document;
  /** Groups of the path pattern. */
  readonly parameters: readonly string[];
  readonly query: URLSearchParams;
  /** Throws 401 without a valid token. */
  readonly user: () => Promise<ObjectId>;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly status: number;
  readonly handle: (call: Call) => Promise<Document>;
}

const day = 86_400_000;

const routes: readonly Route[] = [
  { method: 'GET', path: /^\/health$/, status: 200, handle: health },
  { method: 'POST', path: /^\/users$/, status: 201, handle: register },
  { method: 'POST', path: /^\/tokens$/, status: 201, handle: createToken },
  { method: 'GET', path: /^\/orders$/, status: 200, handle: listOrders },
  { method: 'POST', path: /^\/orders$/, status: 201, handle: createOrder },
  { method: 'PATCH', path: /^\/orders\/([\da-f]{24})\/driver$/, status: 200, handle: assignDriver },
];

/** The API of the marketplace on `db`. */
export function createApi(db: Db): RequestListener {
  return (request, response) => {
    void answer(db, request).then(
      ({ status, body }) => reply(response, status, body),
      (error: unknown) => {
        if (error instanceof Refusal) return reply(response, error.status, { error: error.message });
        console.error(error);
        return reply(response, 500, { error: 'internal error' });
      },
    );
  };
}

async function answer(db: Db, request: IncomingMessage): Promise<{ status: number; body: Document }> {
  const url = new URL(request.url ?? '/', 'http://service');
  for (const route of routes) {
    const match = route.path.exec(url.pathname);
    if (match === null || route.method !== request.method) continue;
    const call = {
      db,
      body: await readJson(request),
      parameters: match.slice(1),
      query: url.searchParams,
      user: () => userOf(db, request),
    };
    return { status: route.status, body: await route.handle(call) };
  }
  throw new Refusal(404, 'no such resource');
}

async function health({ db }: Call): Promise<Document> {
  await db.command({ ping: 1 });
  return { status: 'ok' };
}

async function register({ db, body }: Call): Promise<Document> {
  const { phone, name } = body;
  if (typeof phone !== 'string' || typeof name !== 'string') throw new Refusal(400, 'phone and name are needed');
  const [firstName = '', ...rest] = name.split(' ');
  const user = { _id: new ObjectId(), phone, name, firstName, lastName: rest.join(' '), createdAt: new Date() };
  await db.collection('users').insertOne(user);
  return { user: { id: user._id, phone } };
}

async function createToken({ db, body }: Call): Promise<Document> {
  const user = await db.collection('users').findOne({ phone: String(body['phone']) });
  if (user === null) throw new Refusal(401, 'unknown phone');
  const token = randomBytes(24).toString('hex');
  await db.collection('sessions').insertOne({ userId: user._id, tokenHash: hashOf(token), expiresAt: new Date(Date.now() + day) });
  return { token };
}

async function listOrders({ db, query, user }: Call): Promise<Document> {
  await user();
  const status = query.get('status') ?? 'pending';
  const found = await db.collection('deliveryorders').find({ status }).sort({ createdAt: 1 }).limit(20).toArray();
  return { orders: found.map(present) };
}

async function createOrder({ db, body, user }: Call): Promise<Document> {
  const userId = await user();
  const wanted = (body['items'] ?? []) as readonly { sku: string; quantity: number }[];
  const products = await db
    .collection('products')
    .find({ sku: { $in: wanted.map(({ sku }) => sku) } })
    .toArray();
  const items = wanted.map(({ sku, quantity }) => {
    const product = products.find((candidate) => candidate['sku'] === sku);
    if (product === undefined) throw new Refusal(422, 'unknown product');
    return { productId: product._id, quantity, cents: Number(product['cents']) * quantity };
  });
  const [newest] = await db.collection('deliveryorders').find().sort({ number: -1 }).limit(1).toArray();
  const order = {
    _id: new ObjectId(),
    number: Number(newest?.['number'] ?? 0) + 1,
    userId,
    status: 'pending',
    items: items.map(({ productId, quantity }) => ({ productId, quantity })),
    total: items.reduce((sum, { cents }) => sum + cents, 0),
    destination: { type: 'Point', coordinates: (body['destination'] ?? [9.99, 53.55]) as number[] },
    createdAt: new Date(),
    archived: false,
  };
  await db.collection('deliveryorders').insertOne(order);
  return { order: present(order) };
}

async function assignDriver({ db, parameters, user }: Call): Promise<Document> {
  const userId = await user();
  const order = await db.collection('deliveryorders').findOne({ _id: new ObjectId(parameters[0]), userId });
  if (order === null) throw new Refusal(404, 'no such order');
  const near = { $near: { $geometry: order['destination'] as { type: string; coordinates: number[] } } };
  const driver = await db.collection('drivers').findOne({ online: true, location: near });
  if (driver === null) throw new Refusal(409, 'no driver is online');
  const assigned = { status: 'assigned', driverId: driver._id };
  await db.collection('deliveryorders').updateOne({ _id: order._id }, { $set: assigned });
  return { order: present({ ...order, ...assigned }) };
}

/** An order as clients see it. An order without a total is a bug somewhere, and must not look like a free one. */
function present(order: Document): Document {
  const total = order['total'] as unknown;
  if (typeof total !== 'number') throw new TypeError('An order has no total.');
  return { id: order['_id'], number: order['number'], status: order['status'], total: (total / 100).toFixed(2) };
}

async function userOf(db: Db, request: IncomingMessage): Promise<ObjectId> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const session = token === undefined ? null : await db.collection('sessions').findOne({ tokenHash: hashOf(token) });
  if (session === null) throw new Refusal(401, 'a valid token is needed');
  return session['userId'] as ObjectId;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

async function readJson(request: IncomingMessage): Promise<Document> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as Document;
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

function reply(response: ServerResponse, status: number, body: Document): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
