import { z, type ZodType } from 'zod';
import { durationKind } from '../action/kinds.ts';

/** A duration as in inputs (`500ms`, `10s`); the value is milliseconds. */
export const duration: ZodType<number, string> = z
  .string()
  .regex(new RegExp(String(durationKind.schema['pattern'])), 'expected a duration such as 500ms, 10s or 1m30s')
  .transform(durationKind.parse);
