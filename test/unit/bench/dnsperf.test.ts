import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { latencyOf, readList, readReport } from '../../../bench/dnsperf.ts';

const REPORT = `DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 6100 -d queries.txt -l 2
[Status] Testing complete (time limit)

Statistics:

  Queries sent:         382980
  Queries completed:    382975 (100.00%)
  Queries lost:         5 (0.00%)

  Response codes:       NOERROR 382970 (99.99%), SERVFAIL 5 (0.01%)
  Average packet size:  request 38, response 54
  Run time (s):         2.003017
  Queries per second:   191199.076193

  Average Latency (s):  0.000521 (min 0.000031, max 0.013442)
  Latency StdDev (s):   0.000301
`;

/** As dnsperf 2.10 prints it with -v when it is interrupted: two answers, one query too old, two still under way. */
const INTERRUPTED = `[Status] Sending queries (to 127.0.0.1:6100)
> NOERROR one.example A 0.000172
> SERVFAIL two.example A 0.061000
> T three.example A
> I four.example A
> I five.example A
[Status] Testing complete (interruption)

Statistics:

  Queries sent:         5
  Queries completed:    2 (40.00%)
  Queries lost:         1 (20.00%)
  Queries interrupted:  2 (40.00%)

  Response codes:       NOERROR 1 (50.00%), SERVFAIL 1 (50.00%)
  Average packet size:  request 42, response 91
  Run time (s):         2.977531
  Queries per second:   0.671697

  Average Latency (s):  0.030586 (min 0.000172, max 0.061000)
  Latency StdDev (s):   0.043013
`;

describe('the report of dnsperf', () => {
  test('is read whole: every query answered, by rcode, or lost', () => {
    expect(readReport(REPORT)).toEqual({
      sent: 382_980,
      completed: 382_975,
      lost: 5,
      interrupted: 0,
      seconds: 2.003017,
      queriesPerSecond: 191_199.076193,
      latencyMeanUs: 521,
      rcodes: { NOERROR: 382_970, SERVFAIL: 5 },
    });
  });

  test('that is not there is an error which shows what came instead', () => {
    expect(() => readReport('Error: unable to open file')).toThrow(/no "Queries sent"[^]*unable to open file/);
  });
});

describe('the list of an interrupted run', () => {
  test('has a time for each answer; what was under way is neither answered nor lost', async () => {
    const { report, latenciesUs } = await readList(Readable.from(INTERRUPTED));
    expect(latenciesUs).toEqual([172, 61_000]);
    expect(report).toMatchObject({ sent: 5, completed: 2, lost: 1, interrupted: 2, seconds: 2.977531 });
    expect(report.rcodes).toEqual({ NOERROR: 1, SERVFAIL: 1 });
  });

  test('is taken together with others before percentiles are', () => {
    expect(latencyOf([10, 20, 30, 51_000])).toMatchObject({ p50Us: 25, maxUs: 51_000, late: 1 });
  });
});
