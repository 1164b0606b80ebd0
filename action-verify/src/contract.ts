import type { Context } from '@migration-guard/shared/action/context';
import type { InputsOf, OutputNamesOf, SettingsOf } from '@migration-guard/shared/action/spec';
import type { spec } from '../spec.ts';

export type VerifyInputs = InputsOf<typeof spec>;
export type VerifyContext = Context<OutputNamesOf<typeof spec>, SettingsOf<typeof spec>>;
