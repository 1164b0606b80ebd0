import type { Context } from '@migration-guard/shared/action/context';
import type { InputsOf, OutputNamesOf, SettingsOf } from '@migration-guard/shared/action/spec';
import type { spec } from '../spec.ts';

export type LoadtestInputs = InputsOf<typeof spec>;
export type LoadtestContext = Context<OutputNamesOf<typeof spec>, SettingsOf<typeof spec>>;
