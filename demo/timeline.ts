/** Prints what happens as a list that a person can read; colours only on a terminal. */
export interface Timeline {
  title(text: string): void;
  /** A new act, with a sentence that says what it shows. */
  act(title: string, sentence: string): void;
  /** One finished step. `bad` is what went wrong in the story, not in the demo. */
  step(mark: Mark, name: string, result: StepLine): void;
  /** A line that belongs to the step above. */
  detail(text: string): void;
  end(mark: Mark, text: string): void;
}

type Mark = 'good' | 'bad' | 'neutral';

interface StepLine {
  readonly milliseconds: number;
  readonly text: string;
}

const signs: Readonly<Record<Mark, string>> = { good: '✔', bad: '✘', neutral: '•' };
const colours: Readonly<Record<Mark | 'bold' | 'dim', string>> = { good: '32', bad: '31', neutral: '36', bold: '1', dim: '2' };

export function startTimeline(output: { readonly isTTY?: boolean; write(text: string): unknown }, now: () => number): Timeline {
  const started = now();
  const paint = (colour: keyof typeof colours, text: string): string =>
    output.isTTY === true ? `\u001B[${colours[colour]}m${text}\u001B[0m` : text;
  const line = (text: string): unknown => output.write(`${text}\n`);
  const clock = (): string => `${((now() - started) / 1000).toFixed(1).padStart(5)} s`;
  return {
    title: (text) => line(`\n${paint('bold', text)}\n`),
    act: (title, sentence) => line(`\n${paint('bold', title)}\n${paint('dim', sentence)}`),
    step: (mark, name, { milliseconds, text }) => {
      const took = `${(milliseconds / 1000).toFixed(1)} s`.padStart(7);
      line(`${paint('dim', clock())}  ${paint(mark, signs[mark])} ${name.padEnd(20)}${paint('dim', took)}  ${text}`);
    },
    detail: (text) => {
      for (const part of wrap(text)) line(`${' '.repeat(11)}${paint('dim', `│ ${part}`)}`);
    },
    end: (mark, text) => line(`\n${paint(mark, `${signs[mark]} ${text}`)}`),
  };
}

/** Breaks a text at blanks into lines that fit beside the clock on a terminal of usual width. */
function wrap(text: string): readonly string[] {
  return text.match(/.{1,110}(\s|$)|\S+/g)?.map((part) => part.trimEnd()) ?? [];
}
