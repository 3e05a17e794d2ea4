/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Names of cases; empty: all of them. */
  readonly cases: readonly string[];
  /** Names of servers; empty: all that are installed. */
  readonly peers: readonly string[];
  /** Undefined: as the cases have it. */
  readonly listNames: number | undefined;
  readonly outstanding: readonly number[];
  readonly edns: readonly boolean[];
  readonly rounds: number;
  readonly seconds: number;
  readonly withLatency: boolean;
  /** Ten million names too. */
  readonly huge: boolean;
}

export const USAGE = `npm run bench -- [CASE...] [options]
  --peers NAME,...        default: all that are installed
  --names COUNT           list size of the cases that compare servers (default 1000000)
  --outstanding N,...     default 500,100,20
  --edns yes|no|both      default both
  --rounds N              default 3
  --seconds N             of a measured run, default 3
  --no-latency            leave out the runs that list every answer
  --huge                  ten million names too, where a case knows them
`;

export type OptionsOutcome =
  | { readonly kind: 'ok'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'usage'; readonly message: string };

export function readOptions(args: readonly string[]): OptionsOutcome {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        peers: { type: 'string' },
        names: { type: 'string' },
        outstanding: { type: 'string', default: '500,100,20' },
        edns: { type: 'string', default: 'both' },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '3' },
        'no-latency': { type: 'boolean', default: false },
        huge: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    return {
      kind: 'ok',
      options: {
        cases: positionals,
        peers: values.peers?.split(',') ?? [],
        listNames: values.names === undefined ? undefined : count('names', values.names),
        outstanding: values.outstanding.split(',').map((each) => count('outstanding', each)),
        edns: ednsChoices(values.edns),
        rounds: count('rounds', values.rounds),
        seconds: count('seconds', values.seconds),
        withLatency: !values['no-latency'],
        huge: values.huge,
      },
    };
  } catch (error) {
    return { kind: 'usage', message: (error as Error).message };
  }
}

function count(what: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${what}: not a positive number: ${text}`);
  return value;
}

function ednsChoices(text: string): boolean[] {
  if (text === 'both') return [false, true];
  if (text === 'yes' || text === 'no') return [text === 'yes'];
  throw new Error(`--edns: yes, no or both, not ${text}`);
}
