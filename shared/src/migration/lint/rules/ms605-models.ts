import { loadsOf } from '../modules.ts';
import type { FileRule } from '../rule.ts';

const mapper = /^(mongoose|@typegoose\/typegoose|@nestjs\/mongoose|mongoose-\w+|typeorm|@mikro-orm\/\w+|@prisma\/client|papr|monguito)$/;
const model = /^\.{1,2}\/.*\b(models?|schemas?|entities|entity)\b/i;

export const models: FileRule = {
  code: 'MS605',
  severity: 'warning',
  summary: "The application's models or an object mapper are used: their schema will be another one when the migration runs next.",
  advice: 'Use only the driver that the migration is given, and write out the shape that is meant.',
  bad: `import { User } from '../src/models/user.js';
export const up = async (db) => {
  await db.collection('users').updateMany({ role: null }, { $set: { role: User.defaultRole } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({ role: 'reader' }, { $set: { role: null } });
};`,
  good: `export const up = async (db) => {
  await db.collection('users').updateMany({ role: null }, { $set: { role: 'reader' } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({ role: 'reader' }, { $set: { role: null } });
};`,
  check: (file) =>
    loadsOf(file)
      .filter(({ module }) => mapper.test(module) || model.test(module))
      .map(({ node, module }) => ({ node, message: `What ${module} says today is not what it will say later.` })),
};
