/** How far a bulk push is: a bar on standard error if that is a terminal, nothing otherwise. */
import cliProgress from 'cli-progress';
import type { PushProgress } from './push-entries.ts';

const FORMAT = '{bar} {percentage} % | {entries} entries sent{state}';
const FORMAT_OF_PIPE = '{entries} entries sent{state}';

const nothing = (): void => undefined;
const NOTHING: PushProgress = { start: nothing, read: nothing, entries: nothing, waiting: nothing, end: nothing };

export function createPushProgress(): PushProgress {
  if (!process.stderr.isTTY) return NOTHING;
  let bar: cliProgress.SingleBar | undefined;
  return {
    start(bytesTotal) {
      bar?.stop();
      const format = bytesTotal === 0 ? FORMAT_OF_PIPE : FORMAT;
      const options = { format, clearOnComplete: true, stopOnComplete: false, stream: process.stderr };
      bar = new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic);
      bar.start(Math.max(1, bytesTotal), 0, { entries: 0, state: '' });
    },
    read: (bytes) => bar?.increment(bytes),
    entries: (count) => bar?.update({ entries: count }),
    waiting() {
      bar?.update(bar.getTotal(), { state: ', waiting until it is in force' });
    },
    end: () => bar?.stop(),
  };
}
