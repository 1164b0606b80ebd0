import { commandsOf, type RecordedRule } from './rule.ts';

export const replacedTarget: RecordedRule = {
  code: 'MD106',
  severity: 'error',
  summary: 'A collection was seen to be renamed onto another one that holds documents, or to be turned into a capped one.',
  advice: 'Rename the old collection aside first, and keep it for a release.',
  bad: `export const up = async (db) => {
  const names = ['next', 'orders'];
  await db.createCollection(names[0]);
  await db.renameCollection(names[0], names[1], { dropTarget: true });
};`,
  good: `export const up = async (db) => {
  await db.createCollection('draft');
  await db.createCollection('final');
  await db.renameCollection('draft', 'final', { dropTarget: true });
};`,
  check: (observed) => {
    const renamed = commandsOf(observed, 'renameCollection').flatMap((statement) => {
      const { to = '', dropTarget } = JSON.parse(statement.definition ?? '{}') as { readonly to?: string; readonly dropTarget?: unknown };
      const target = to.split('.').slice(1).join('.');
      const documents = dropTarget === undefined || dropTarget === false ? 0 : (observed.before.get(target) ?? 0);
      return documents === 0 ? [] : [{ statement, message: `This rename drops ${target} with ${documents} documents.` }];
    });
    const capped = commandsOf(observed, 'convertToCapped', 'cloneCollectionAsCapped').map((statement) => ({
      statement,
      message: `This turns a collection into a capped one, which forgets its oldest documents.`,
    }));
    return [...renamed, ...capped];
  },
};
