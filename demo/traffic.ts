import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'mongodb';
import type { Added } from './proof.ts';

/** What the application has confirmed to a customer. */
interface Confirmed {
  readonly userId: string;
  readonly orderId: string;
  /** As the application shows it. */
  readonly total: string;
}

/** What customers did, and what they were told. */
export interface Visits {
  readonly confirmed: readonly Confirmed[];
  /** Customers who were turned away: the application was stopped, or broken. */
  readonly turnedAway: number;
}

const pause = 50;
/** Of a smoke test and of customers. */
const visitors = /^(Smoke Test|Customer \d+)$/;

/**
 * Lets one customer after the other register and order at `service`, whatever happens to it, until `end`. Nothing is tried twice: what the
 * application has not confirmed may be there or not.
 */
export function startTraffic(service: string): { end(): Promise<Visits> } {
  const ended = new AbortController();
  const visiting = visit(service, ended.signal);
  return {
    end: () => {
      ended.abort();
      return visiting;
    },
  };
}

async function visit(service: string, signal: AbortSignal): Promise<Visits> {
  const confirmed: Confirmed[] = [];
  let turnedAway = 0;
  for (let number = 1; !signal.aborted; number += 1) {
    await buy(service, number).then(
      (order) => confirmed.push(order),
      () => (turnedAway += 1),
    );
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  return { confirmed, turnedAway };
}

async function buy(service: string, number: number): Promise<Confirmed> {
  const phone = `+4915100${String(number).padStart(6, '0')}`;
  const { user } = await post(`${service}/users`, { phone, name: `Customer ${number}` });
  const { token } = await post(`${service}/tokens`, { phone });
  const { order } = await post(`${service}/orders`, { items: [{ sku: 'SKU-000042', quantity: 1 }] }, String(token));
  const { id, total } = order as { readonly id: string; readonly total: string };
  return { userId: (user as { readonly id: string }).id, orderId: id, total };
}

/** Rejects when the application does not do it. */
async function post(url: string, body: object, token = ''): Promise<Document> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()) as Document;
}

/** What is wrong with the documents that came since, one sentence each: what was confirmed must be there, and nothing that nobody wrote. Pure. */
export function judgeAdded(added: ReadonlyMap<string, readonly Added[]>, { confirmed }: Visits): readonly string[] {
  const documentsOf = (name: string): readonly Document[] => (added.get(name) ?? []).map(({ document }) => document);
  const users = new Set(documentsOf('users').flatMap(({ _id, name }) => (visitors.test(String(name)) ? [String(_id)] : [])));
  const orders = new Map(documentsOf('deliveryorders').map((order) => [String(order['_id']), order]));
  const lost = confirmed.filter(({ userId, orderId, total }) => {
    const order = orders.get(orderId);
    return !users.has(userId) || order === undefined || (Number(order['total']) / 100).toFixed(2) !== total;
  });
  const strange = [...added].flatMap(([name, documents]) => {
    const ofNobody = documents.filter(({ document }) => !users.has(String(name === 'users' ? document['_id'] : document['userId'])));
    return ofNobody.length === 0 ? [] : [`${name} holds ${ofNobody.length} documents that no customer wrote`];
  });
  return lost.length === 0 ? strange : [`${lost.length} orders that were confirmed to customers are lost or changed`, ...strange];
}
