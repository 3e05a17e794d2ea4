/**
 * One measured run: processor time of the server, as the system accounts for it, around a run of dnsperf, over the
 * queries that were answered; meanwhile answers are looked into, for a fast wrong answer is worth nothing.
 */
import { runLoad, type Load, type LoadReport } from './dnsperf.ts';
import { addressesOf, ask } from './probe.ts';
import { cpuMicroseconds } from './process-usage.ts';
import type { RunningServer } from './server.ts';

const SAMPLE_PAUSE_MS = 50;
const SAMPLE_TIMEOUT_MS = 2_000;

/** A name and the address that an answer to it must carry. */
export interface Expectation {
  readonly name: string;
  readonly address: string;
}

export interface Measurement {
  readonly cpuUs: number;
  readonly report: LoadReport;
  readonly sampled: number;
  readonly wrong: readonly string[];
}

export function measure(server: RunningServer, load: Load, expectation: () => Expectation): Promise<Measurement> {
  return measureRun(server, () => runLoad(load), load.edns, expectation);
}

/** The same around another load. @param edns of the questions whose answers are looked into */
export async function measureRun(
  server: RunningServer,
  run: () => Promise<LoadReport>,
  edns: boolean,
  expectation: () => Expectation,
): Promise<Measurement> {
  const sampler = new Sampler(server, edns, expectation);
  const before = cpuMicroseconds(server.pids);
  sampler.start();
  const report = await run();
  const spentUs = cpuMicroseconds(server.pids) - before;
  await sampler.stop();
  return { cpuUs: spentUs / report.completed, report, sampled: sampler.sampled, wrong: sampler.wrong };
}

class Sampler {
  sampled = 0;
  readonly wrong: string[] = [];
  readonly #server: RunningServer;
  readonly #edns: boolean;
  readonly #expectation: () => Expectation;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(server: RunningServer, edns: boolean, expectation: () => Expectation) {
    this.#server = server;
    this.#edns = edns;
    this.#expectation = expectation;
  }

  start(): void {
    if (!this.#server.isEcho) this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    do {
      const { name, address } = this.#expectation();
      const answer = await ask(this.#server.port, { name, edns: this.#edns }, SAMPLE_TIMEOUT_MS);
      const addresses = addressesOf(answer);
      this.sampled++;
      if (addresses?.length !== 1 || addresses[0] !== address) {
        this.wrong.push(`${name}: ${addresses?.join(' ') ?? 'no answer'}, not ${address}`);
      }
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_PAUSE_MS));
    } while (!this.#stopped);
  }
}
