/**
 * What is wrong with a configuration, all of it at once: the problems as data, and the text a person reads. Exit code
 * 78 goes with it (EX_CONFIG of sysexits.h).
 */

export interface ConfigProblem {
  /** Key path, e.g. `lists[0].mode`; '' for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** Line of the file, where it is known. */
  readonly line?: number;
}

/** A configuration that cannot be used. Its message lists every problem, one a line. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(describeProblems(file, problems));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The problems as text for a person: the file, then one line a problem in the order of the file. */
export function describeProblems(file: string, problems: readonly ConfigProblem[]): string {
  const heading = `${file}: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}`;
  const lines = problems.map(({ path, message, line }) => {
    const place = line === undefined ? '' : ` (line ${line})`;
    return path === '' ? `  ${message}${place}` : `  ${path}${place}: ${message}`;
  });
  return [heading, ...lines].join('\n');
}
