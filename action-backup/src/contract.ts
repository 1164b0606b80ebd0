import type { Context } from '@migration-guard/shared/action/context';
import type { InputsOf, OutputNamesOf } from '@migration-guard/shared/action/spec';
import type { spec } from '../spec.ts';

export type BackupInputs = InputsOf<typeof spec>;
export type BackupContext = Context<OutputNamesOf<typeof spec>>;
