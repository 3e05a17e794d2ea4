import { describe, expect, test } from 'vitest';
import { readReport } from '../../../bench/dnsperf.ts';

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

describe('the report of dnsperf', () => {
  test('is read whole: every query answered, by rcode, or lost', () => {
    expect(readReport(REPORT)).toEqual({
      sent: 382_980,
      completed: 382_975,
      lost: 5,
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
