import type { CreateCollectionOptions, IndexDescription } from 'mongodb';
import type { CollectionName } from './documents.ts';

export interface CollectionPlan {
  readonly options: CreateCollectionOptions;
  readonly indexes: readonly IndexDescription[];
}

/** Options and indexes of the marketplace: every kind that a grown application has. */
export const collectionPlans: Readonly<Record<CollectionName, CollectionPlan>> = {
  users: {
    options: {
      validator: { $jsonSchema: { bsonType: 'object', required: ['phone', 'name'], properties: { phone: { bsonType: 'string' } } } },
      validationLevel: 'moderate',
    },
    indexes: [
      { key: { phone: 1 }, name: 'phone_unique', unique: true },
      { key: { email: 1 }, name: 'email_sparse', unique: true, sparse: true },
      { key: { name: 1 }, name: 'name_any_case', collation: { locale: 'en', strength: 2 } },
    ],
  },
  drivers: {
    options: {},
    indexes: [
      { key: { location: '2dsphere' }, name: 'location_sphere' },
      { key: { city: 1, online: 1, rating: -1 }, name: 'city_online_rating' },
    ],
  },
  products: {
    options: {},
    indexes: [
      { key: { sku: 1 }, name: 'sku_unique', unique: true },
      { key: { title: 'text', description: 'text' }, name: 'search', weights: { title: 5, description: 1 }, default_language: 'english' },
      { key: { 'attributes.$**': 1 }, name: 'attributes_any' },
    ],
  },
  wallets: {
    options: {},
    indexes: [
      { key: { userId: 'hashed' }, name: 'user_hashed' },
      { key: { currency: 1, balance: -1 }, name: 'currency_balance' },
    ],
  },
  deliveryorders: {
    options: {
      validator: {
        $jsonSchema: { bsonType: 'object', required: ['userId', 'status', 'items'], properties: { items: { bsonType: 'array' } } },
      },
    },
    indexes: [
      { key: { number: 1 }, name: 'number_unique', unique: true },
      { key: { userId: 1, createdAt: -1 }, name: 'user_newest' },
      { key: { createdAt: 1 }, name: 'waiting', partialFilterExpression: { status: 'pending' } },
    ],
  },
  sessions: {
    options: {},
    indexes: [
      { key: { tokenHash: 1 }, name: 'token_unique', unique: true },
      { key: { expiresAt: 1 }, name: 'expires', expireAfterSeconds: 0 },
    ],
  },
  events: { options: { capped: true, size: 65_536, max: 1_000 }, indexes: [] },
};

/** Views, by name. */
export const views = {
  active_orders: { viewOn: 'deliveryorders', pipeline: [{ $match: { status: { $in: ['pending', 'assigned'] } } }] },
} as const;
