/** The keys under `limits`; part of schema.ts, which says what a schema is here. docs/limits.md has the reasons. */
import { z } from 'zod';
import { nameFromText } from '../dns/name.ts';
import { parsePrefix } from './address.ts';
import { parsed, printable, whole } from './value-schemas.ts';

const domainName = printable(255).refine((text) => nameFromText(text) !== undefined, 'expected a domain name');
const EXEMPT_MAX = 256;
const PER_SECOND_MAX = 10_000_000;

export const limitsSchema = z
  .strictObject({
    exemptLoopback: z.boolean().default(true).describe('no limit for 127.0.0.0/8 and ::1'),
    exempt: z
      .array(parsed(parsePrefix))
      .max(EXEMPT_MAX)
      .default([])
      .describe('client prefixes without limits: forwarders, balancers, monitors'),
    queriesPerSecondMax: whole(0, PER_SECOND_MAX)
      .default(1000)
      .describe(
        'of one IPv4 address or IPv6 /64 over UDP, and as many that cannot be forged, in each thread; 0: no limit',
      ),
    queriesBurstMax: whole(1, PER_SECOND_MAX).default(2000).describe('of them at once'),
    excess: z
      .enum(['drop', 'refuse'])
      .default('drop')
      .describe('what queries beyond it get: nothing (over UDP see slip), or REFUSED'),
    responsesPerSecondMax: whole(0, PER_SECOND_MAX)
      .default(5000)
      .describe('over UDP to one client prefix, in each thread; 0: no limit'),
    responsesIpv4PrefixBits: whole(8, 32).default(24).describe('bits of that prefix'),
    responsesIpv6PrefixBits: whole(16, 64).default(56).describe('bits of that prefix'),
    slip: whole(0, 100)
      .default(2)
      .describe('every how many limited queries over UDP one is told "ask by TCP"; 0: none is'),
    kernelFilter: z
      .enum(['on', 'off'])
      .default('on')
      .describe('whether the kernel holds off who floods while a socket queue is full'),
    cookies: z
      .enum(['on', 'off'])
      .default('on')
      .describe('DNS cookies (RFC 7873): a good one frees of limits on responses'),
    cookieSecretFile: printable(4096)
      .default('')
      .describe('secret shared by the nodes of an anycast set; "": random at the start'),
    outstandingPerClientMax: whole(0, 20_000)
      .default(1000)
      .describe('queries of one IPv4 address or IPv6 /64 that wait for upstreams, in each thread; 0: no limit'),
    outstandingExcess: z.enum(['servfail', 'drop']).default('servfail').describe('what queries get that may not wait'),
    missesPerDomainPerSecondMax: whole(0, PER_SECOND_MAX)
      .default(500)
      .describe('questions sent upstream for names of one domain, in each thread; 0: no limit'),
    missesPerDomainClientPerSecondMax: whole(0, PER_SECOND_MAX)
      .default(100)
      .describe('of them for one IPv4 address or IPv6 /64; 0: as many as for all'),
    missesExempt: z
      .array(domainName)
      .max(EXEMPT_MAX)
      .default([])
      .describe('names without those two limits, with all below them'),
    anyMinimal: z.boolean().default(true).describe('answer ANY over UDP with a HINFO record (RFC 8482)'),
  })
  .prefault({});
