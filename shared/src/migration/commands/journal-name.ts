const prefix = 'command:';

/** The name of a command beside those of files: in the journal, in outputs, and for the input `retry`. */
export function journalName({ name }: { readonly name: string }): string {
  return `${prefix}${name}`;
}

/** Whether a name in the journal is that of a command. */
export function isCommandName(name: string): boolean {
  return name.startsWith(prefix);
}
