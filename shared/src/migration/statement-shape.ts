type Fields = Readonly<Record<string, unknown>>;

/**
 * Fields and operators of a filter without its values, sorted, for example `status total.$gt $or(a|b)`; empty for a filter that matches
 * everything. Two filters of one shape are answered by the same plan, if the data allow it.
 */
export function filterShape(filter: unknown): string {
  if (!isFields(filter)) return '';
  return Object.entries(filter)
    .flatMap(([field, condition]) => (field.startsWith('$') ? logical(field, condition) : compared(field, condition)))
    .sort()
    .join(' ');
}

function logical(operator: string, condition: unknown): string[] {
  if (operator === '$comment') return [];
  if (!Array.isArray(condition)) return [operator];
  return [`${operator}(${condition.map(filterShape).join('|')})`];
}

function compared(field: string, condition: unknown): string[] {
  const operators = isFields(condition) ? Object.keys(condition).filter((key) => key.startsWith('$')) : [];
  return operators.length === 0 ? [field] : operators.sort().map((operator) => `${field}.${operator}`);
}

/** Operators and fields of an update, one entry each: `$set currency`, `$rename a→b`; the stages of a pipeline; `replace`. */
export function changeShape(update: unknown): readonly string[] {
  if (Array.isArray(update)) return update.flatMap(stageShape);
  if (!isFields(update)) return [];
  const operators = Object.entries(update).filter(([key]) => key.startsWith('$'));
  if (operators.length === 0) return ['replace'];
  return operators.flatMap(([operator, fields]) => (isFields(fields) ? fieldShapes(operator, fields) : [operator]));
}

/** The stages of a pipeline with the fields that `$set`, `$unset` and `$project` name. */
export function stageShape(stage: unknown): string[] {
  if (!isFields(stage)) return [];
  return Object.entries(stage).flatMap(([operator, value]) => {
    if (operator === '$unset') return (Array.isArray(value) ? value : [value]).map((field) => `$unset ${String(field)}`);
    if (/^\$(set|addFields|project)$/.test(operator) && isFields(value)) return fieldShapes(operator, value);
    return [operator];
  });
}

function fieldShapes(operator: string, fields: Fields): string[] {
  return Object.entries(fields).map(([field, value]) =>
    operator === '$rename' ? `$rename ${field}→${String(value)}` : `${operator} ${field}${bounded(operator, value)}`,
  );
}

/** A `$push` that cuts its array is told from one that lets it grow. */
function bounded(operator: string, value: unknown): string {
  return operator === '$push' && isFields(value) && '$slice' in value ? ' $slice' : '';
}

/** Plain objects only: values of BSON classes compare as a whole. */
function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
