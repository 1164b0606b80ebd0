import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ClientSession, Collection, Db, Document } from 'mongodb';
import { serverCode } from '../../errors/mongo-errors.ts';
import { migrateScene, openSceneUndo, openScenes, possible, takeScenePoint, type Scenes } from '../../testing/undo-scene.ts';

interface Thing extends Document {
  readonly _id: number;
}

const rounds = 8;
const documents = 120;
const ownFrom = 1_000;

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes('undo_property');
});
afterAll(() => scenes.close());

/** Numbers below `limit`, always the same for the same seed. Source: mulberry32. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const thing = (_id: number): Thing => ({ _id, a: _id % 7, b: `b${_id}`, c: { d: [1, _id], e: null }, own: 0, u: _id });

/** One step of a migration: of these fields and documents below `documents` only it writes. Returns the name that the collection has then. */
async function migrationStep(db: Db, name: string, next: (limit: number) => number): Promise<string> {
  const things = db.collection<Thing>(name);
  const filter = { a: next(7), _id: { $lt: documents } };
  switch (next(13)) {
    case 0:
      await things.updateMany(filter, { $set: { a: next(7), fresh: next(100) } });
      return name;
    case 1:
      await things.updateMany(filter, { $unset: { b: '' } });
      return name;
    case 2:
      await things.updateMany(filter, [{ $set: { b: { $concat: [{ $ifNull: ['$b', ''] }, '!'] }, 'c.f': '$a' } }]);
      return name;
    case 3:
      await things.updateMany(filter, { $rename: { b: 'renamed' }, $inc: { 'c.g': next(9) } });
      return name;
    case 4:
      await things.deleteMany({ _id: { $gte: 100 + next(10), $lt: documents } });
      return name;
    case 5:
      await things.insertMany(Array.from({ length: 5 }, (_, index) => ({ ...thing(10_000 + next(1_000_000) * 5 + index) })));
      return name;
    case 6:
      await things.bulkWrite([
        { updateOne: { filter: { _id: next(100) }, update: { $inc: { a: 1 } } } },
        { replaceOne: { filter: { _id: 100 + next(20) }, replacement: { a: 1, replaced: true } } },
      ]);
      return name;
    case 7:
      await things.createIndex({ a: 1, b: next(2) === 0 ? 1 : -1 });
      return name;
    case 8:
      await db.collection(`made${next(1_000_000)}`).insertOne({ x: 1 });
      await things.dropIndex('kept').catch(() => undefined);
      return name;
    case 9:
      await db.command({ collMod: name, validator: { a: { $lt: next(100) } }, validationAction: 'warn' });
      return name;
    case 10:
      await db.command({ collMod: 'seen', viewOn: next(2) === 0 ? 'things' : 'moved', pipeline: [{ $match: { a: next(7) } }] });
      return name;
    case 11:
      await inTransaction(db, async (session) => {
        await things.updateMany(filter, { $set: { t: next(9) } }, { session });
        await things.deleteOne({ _id: next(20) + 100 }, { session });
      });
      return name;
    default: {
      const to = name === 'things' ? 'moved' : 'things';
      await things.rename(to);
      return to;
    }
  }
}

async function inTransaction(db: Db, body: (session: ClientSession) => Promise<void>): Promise<void> {
  await db.client.withSession((session) => session.withTransaction(body));
}

const queryPlanKilled = 175;

/** Whether a document was found and written: a collection that is renamed just then may take its writers down, before they write. */
async function written(writing: Promise<{ readonly matchedCount: number }>): Promise<boolean> {
  try {
    return (await writing).matchedCount === 1;
  } catch (error) {
    if (serverCode(error) === queryPlanKilled) return false;
    throw error;
  }
}

/** What others write: fields and documents of their own, which follow the collection when it is renamed, and a log. */
class Others {
  readonly #expected: Map<number, Thing>;
  readonly #db: Db;
  readonly #next: (limit: number) => number;
  logged = 0;
  ended = false;

  constructor(db: Db, next: (limit: number) => number, expected: Map<number, Thing>) {
    this.#db = db;
    this.#next = next;
    this.#expected = expected;
  }

  async write(id: number): Promise<void> {
    for (let turn = 0; !this.ended; turn++) {
      if (turn === 10) await this.#db.collection('log').createIndex({ turn: 1, id: 1 });
      const found = await this.#db.listCollections({ name: { $in: ['things', 'moved'] } }, { nameOnly: true }).toArray();
      const things = this.#db.collection<Thing>(found[0]?.name ?? 'things');
      if (turn % 3 === 0) await this.#own(things, { _id: ownFrom + id, text: `t${turn}` });
      if (turn % 3 === 1) await this.#shared(things, (id * 13 + turn) % 100);
      if (turn % 3 === 2) {
        await this.#db.collection('log').insertOne({ turn });
        this.logged += 1;
      }
    }
  }

  async #own(things: Collection<Thing>, thing_: Thing): Promise<void> {
    if (await written(things.replaceOne({ _id: thing_._id }, thing_))) this.#expected.set(thing_._id, thing_);
  }

  async #shared(things: Collection<Thing>, _id: number): Promise<void> {
    const done = await written(things.updateOne({ _id }, { $inc: { own: 1 }, $set: { [`by.w${this.#next(3)}`]: 1 } }));
    const known = this.#expected.get(_id);
    if (done && known !== undefined) this.#expected.set(_id, { ...known, own: Number(known['own']) + 1 });
  }
}

test.each(Array.from({ length: rounds }, (_, round) => round + 1))(
  'seed %i: the undo of a random migration is the point and what others wrote',
  async (seed) => {
    const scene = scenes.make();
    const { db } = scene;
    const next = random(seed);
    const ids = [...Array(documents).keys(), ...Array.from({ length: 4 }, (_, id) => ownFrom + id)];
    const expected = new Map(ids.map((_id): [number, Thing] => [_id, thing(_id)]));
    await db.collection<Thing>('things').insertMany([...expected.values()]);
    await db.collection('things').createIndex({ u: 1 }, { name: 'kept', unique: true, sparse: true });
    await db.createCollection('seen', { viewOn: 'things', pipeline: [{ $match: { a: 1 } }] });
    const [seen] = await db.listCollections({ name: 'seen' }).toArray();
    const point = await takeScenePoint(scene);
    const others = new Others(db, random(seed + 1_000), expected);
    const writers = Array.from({ length: 4 }, (_, id) => others.write(id));
    await migrateScene(scene, async (to) => {
      let collection = 'things';
      for (let step = 0; step < 12; step++) collection = await migrationStep(to, collection, next);
    });
    // The proof reads every document, or what was written since the point.
    const limit = seed % 2 === 0 ? Infinity : 0;
    await using opened = await openSceneUndo(scene, point, { readWhole: { documents: limit, bytes: limit } });
    const undo = possible(opened.undo);
    expect(undo.conflicts).toEqual([]);
    await undo.carryOut();
    others.ended = true;
    await Promise.all(writers);
    expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
    const found = await db
      .collection<Thing>('things')
      .find({}, { sort: { _id: 1 } })
      .toArray();
    const plain = found.map(({ by: _by, ...rest }) => rest);
    expect(plain).toEqual([...expected.values()].sort((a, b) => a._id - b._id));
    expect(
      (await db.listCollections({}, { nameOnly: true }).toArray())
        .map((entry) => entry.name)
        .filter((other) => !other.startsWith('migration_'))
        .sort(),
    ).toEqual(['log', 'seen', 'system.views', 'things']);
    expect(await db.listCollections({ name: 'seen' }).toArray()).toEqual([seen]);
    expect(await db.collection('log').countDocuments()).toBe(others.logged);
    expect((await db.collection('things').indexes()).map((index) => index.name)).toEqual(['_id_', 'kept']);
  },
);
