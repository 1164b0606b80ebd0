/** One annotation as GitHub shows it. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface CommandResult {
  /** The log as a person sees it: masked, commands rendered. */
  readonly log: string;
  readonly annotations: readonly Annotation[];
  readonly masks: readonly string[];
}

const command = /^::([a-z-]+)(?: ([^:]*(?:::?[^:]+)*?))?::(.*)$/;

/** Interprets standard output as the runner does: annotations, masks (also of each line), groups, and `stop-commands`. */
export function interpretCommands(output: string): CommandResult {
  const annotations: Annotation[] = [];
  const masks: string[] = [];
  const shown: string[] = [];
  let stopToken: string | undefined;
  for (const line of output.split(/\r?\n/)) {
    const [, name, properties = '', data = ''] = command.exec(line) ?? [];
    if (stopToken !== undefined) {
      if (line === `::${stopToken}::`) stopToken = undefined;
      else shown.push(line);
    } else if (name === undefined) shown.push(line);
    else if (name === 'stop-commands') stopToken = data;
    else if (name === 'add-mask') masks.push(...maskForms(unescapeData(data)));
    else shown.push(...render({ name, properties, data }, annotations));
  }
  return {
    log: mask(shown.join('\n'), masks),
    annotations: annotations.map((found) => ({ ...found, message: mask(found.message, masks) })),
    masks,
  };
}

function render(found: { name: string; properties: string; data: string }, annotations: Annotation[]): string[] {
  const message = unescapeData(found.data);
  switch (found.name) {
    case 'error':
    case 'warning':
    case 'notice':
      annotations.push({ level: found.name, message, ...position(found.properties) });
      return [`${found.name[0]?.toUpperCase()}${found.name.slice(1)}: ${message}`];
    case 'group':
      return [`▸ ${message}`];
    case 'debug':
    case 'endgroup':
      return [];
    default:
      return [message];
  }
}

function position(properties: string): Pick<Annotation, 'file' | 'line' | 'column'> {
  const values = new Map(
    properties.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), unescapeProperty(pair.slice(pair.indexOf('=') + 1))]),
  );
  const [file, line, column] = [values.get('file'), values.get('line'), values.get('col')];
  return {
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line: Number(line) }),
    ...(column === undefined ? {} : { column: Number(column) }),
  };
}

function maskForms(secret: string): string[] {
  return [secret, ...secret.split(/\r?\n/)].map((form) => form.trim()).filter((form) => form !== '');
}

/** Replaces every masked text by `***`, longest first. */
export function mask(text: string, masks: readonly string[]): string {
  return [...masks].sort((a, b) => b.length - a.length).reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}

function unescapeData(data: string): string {
  return data.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function unescapeProperty(value: string): string {
  return unescapeData(value.replaceAll('%3A', ':').replaceAll('%2C', ','));
}
