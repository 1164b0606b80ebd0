import { GuardError, type Place } from '../errors/guard-error.ts';

/** One thing that is wrong with what the user wrote. `subject` is the name of the input or the path of the setting. */
export interface Problem {
  readonly subject: string;
  readonly message: string;
  readonly place?: Place;
}

/** One error that lists every problem: `config/invalid` when all of them stand in a file, else `input/invalid`. */
export function invalid(problems: readonly Problem[]): GuardError {
  const placed = problems.find((problem) => problem.place !== undefined);
  const code = problems.every((problem) => problem.place !== undefined) ? 'config/invalid' : 'input/invalid';
  const lines = problems.map(({ subject, message, place }) => {
    const where = place === undefined ? '' : ` (${place.file}:${place.line}:${place.column})`;
    return `${subject} ${message}${where}`;
  });
  const headline = problems.length === 1 ? `${lines[0]}.` : `${problems.length} problems: ${lines.join('; ')}.`;
  return new GuardError(code, headline, placed?.place === undefined ? {} : { place: placed.place });
}
