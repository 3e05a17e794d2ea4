/** How far a long step of a command is: a bar on standard error if that is a terminal, nothing otherwise. */
import cliProgress from 'cli-progress';

const PROGRESS_MIN = 50_000;

export interface Progress {
  step(): void;
  end(): void;
}

export function startProgress(what: string, total: number, stepsMin = PROGRESS_MIN): Progress {
  if (!process.stderr.isTTY || total < stepsMin) return { step: () => undefined, end: () => undefined };
  const bar = new cliProgress.SingleBar(
    { format: `${what} {bar} {percentage} % of {total}`, clearOnComplete: true, stream: process.stderr },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return { step: () => bar.increment(), end: () => bar.stop() };
}

/** The same items, counted as they pass. */
export function* counted<T>(items: Iterable<T>, progress: Progress): Generator<T> {
  for (const item of items) {
    progress.step();
    yield item;
  }
  progress.end();
}

/** `1 entry`, `2 entries`. */
export function entriesText(count: number): string {
  return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}
