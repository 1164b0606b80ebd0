import { z } from 'zod';

const contact = z.strictObject({
  /** A person or a team. */
  name: z.string().min(1),
  /** How they are reached: a telephone number, a channel. Shown in e-mails. */
  reach: z.string().min(1).optional(),
  /** Id of a member (`U…`, `W…`) or a user group (`S…`) in Slack, called by the message when something failed. */
  slack: z
    .string()
    .regex(/^[UWS][A-Z0-9]+$/, 'expected the id of a Slack member or user group, such as U012AB3CD')
    .optional(),
});

/** Who can help, in the order in which they should be tried. */
export const contacts = z.array(contact).max(20).default([]);

export type Contact = z.infer<typeof contact>;

/** The structured part of the section `report` of migration-guard.yml. */
export const settings = z.strictObject({
  contacts,
});

export type ReportSettings = z.infer<typeof settings>;
