/**
 * The configuration file as zod sees it: every key, its limits, its default and one line of description, which the
 * README's table repeats (a test compares them). One value is checked here; what two keys say together, and the file
 * system, in cross-checks.ts.
 */
import { z } from 'zod';
import { ACTIONS } from '../policy/actions.ts';
import { CATEGORIES } from '../policy/category.ts';
import { GROUPS_MAX } from '../policy/client-groups.ts';
import { parsePrefix, parseSocketAddress, parseUpstream } from './address.ts';
import type { Parsed } from './address.ts';
import { limitsSchema } from './limits-schema.ts';
import { PAGE_LANGUAGES } from './page-text-keys.ts';
import { DAY_SECONDS, MIB, WEEK_SECONDS, parsed, printable, whole } from './value-schemas.ts';
import { appealsSchema, eventLogSchema, warningPageSchema } from './warning-page-schema.ts';

export const LISTS_MAX = 64;
export const UPSTREAMS_MAX = 16;
const WORKERS_MAX = 64;
/** Where Weir listens unless told otherwise: loopback only, ports that need no privilege. */
export const LISTEN_DEFAULTS = {
  do53: ['127.0.0.1:1053', '[::1]:1053'],
  admin: '127.0.0.1:9153',
  warningPageHttp: '127.0.0.1:8080',
};
const ADDRESSES_MAX = 64;
const PREFIXES_MAX = 4096;
const FILES_MAX = 64;
const APPROVED_MAX = 10_000;
const TEXT_MAX = 200;
/** A character-string of a TXT record (RFC 1035 section 3.3). */
const CHARACTER_STRING_MAX = 255;
/** "it is RECOMMENDED that [negative answers] be limited [to] three hours" (RFC 2308 section 5). */
const NEGATIVE_TTL_SECONDS_MAX = 3 * 3600;

/** Names of list formats; test/unit/config holds them against the table of formats. */
export const LIST_FORMATS = [
  'auto',
  'plain',
  'hosts',
  'adblock',
  'dnsmasq',
  'unbound',
  'rpz',
  'csv',
  'json',
  'jsonl',
  'url-list',
] as const;

function isListFormat(word: string): boolean {
  return LIST_FORMATS.some((format) => format === word) || /^csv:\P{Cc}{1,100}$/u.test(word);
}

function optionalAddress(text: string): ReturnType<typeof parseSocketAddress> | Parsed<undefined> {
  return text === '' ? { kind: 'ok', value: undefined } : parseSocketAddress(text);
}

function parseClientSubnet(text: string): Parsed<string> {
  return text === 'strip' ? { kind: 'ok', value: text } : parsePrefix(text);
}

const socketAddresses = z.array(parsed(parseSocketAddress)).max(ADDRESSES_MAX).default([]);
const files = z.array(printable(4096).min(1)).max(FILES_MAX).default([]);
const bindAddress = parsed(optionalAddress);

const listSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, '1 to 32 of a-z, 0-9 and - (it is a metric label)')
    .describe('name of the list, unique: metric label, EDE text, API path'),
  source: printable(4096).min(1).describe('a path, https://..., feed+https://..., or push'),
  format: z
    .string()
    .refine(isListFormat, `one of ${LIST_FORMATS.join(', ')}, or csv:COLUMN`)
    .default('auto')
    .describe('how the source is written'),
  category: z.enum(CATEGORIES).default('fraud').describe('category of entries that name none'),
  authority: printable(TEXT_MAX).default('').describe('who orders the blocks; shown on the warning page'),
  order: z
    .enum(['authority', 'operator', 'subscriber'])
    .default('operator')
    .describe('on whose behalf: extended error 16, 15 or 17'),
  mode: z.enum(['enforce', 'shadow', 'off']).default('enforce').describe('shadow counts and does not block'),
  action: z.enum(ACTIONS).default('sinkhole').describe('what a blocked name gets'),
  approved: z
    .array(printable(255).min(1))
    .max(APPROVED_MAX)
    .default([])
    .describe('names in force although the guard would hold them'),
  refreshSeconds: whole(10, WEEK_SECONDS).default(3600).describe('between looks at an https source'),
  bytesMax: whole(1, 4096 * MIB)
    .default(256 * MIB)
    .describe('largest source accepted'),
  fetchTimeoutMs: whole(100, 3_600_000).default(60_000).describe('for one fetch of an https source'),
  badLinesPercentMax: z.number().min(0).max(100).default(10).describe('more skipped lines refuse the update'),
  shrinkPercentMax: z.number().min(0).max(100).default(50).describe('an update that removes more is held'),
  growthPercentMax: z.number().min(0).max(1_000_000).default(200).describe('an update that adds more is held'),
  twoPersons: z.boolean().default(false).describe('who proposed an entry may not release it'),
  rollout: z
    .array(
      z.strictObject({
        percent: z.number().min(0).max(100).describe('of the subscribers'),
        seconds: whole(0, WEEK_SECONDS).default(0).describe('until the next stage'),
      }),
    )
    .max(10)
    .default([])
    .describe('stages of new pushed entries, as percent of subscribers'),
  rolloutAppealsMax: whole(0, 1_000).default(20).describe('open appeals against a rollout; more take it back'),
  versionsMax: whole(1, 1_000_000).default(10_000).describe('versions kept of a push list or feed'),
  appealDays: whole(1, 365).default(15).describe('until an objection to the list has to be decided'),
  feedKeys: z.array(printable(100).min(1)).max(4).default([]).describe('minisign public keys that may sign the feed'),
  tokenFile: printable(4096).default('').describe('file with a bearer token for the source'),
  ca: printable(4096).default('').describe('PEM file of the authorities trusted for the source'),
  clientCertificate: printable(4096).default('').describe('PEM file shown to the source'),
  clientKey: printable(4096).default('').describe('its private key, a PEM file'),
  proxy: printable(4096).default('').describe('http://HOST:PORT of a proxy that makes the connections (CONNECT)'),
});

/** The whole file. Output: everything typed and filled in; paths still as written. */
export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      do53: z
        .array(parsed(parseSocketAddress))
        .min(1, 'at least one address')
        .max(ADDRESSES_MAX)
        .prefault(LISTEN_DEFAULTS.do53)
        .describe('DNS over UDP and TCP'),
      proxyProtocol: z
        .array(parsed(parsePrefix))
        .max(PREFIXES_MAX)
        .default([])
        .describe('prefixes of balancers: every query of theirs to do53 must begin with a PROXY header, version 2'),
      dot: socketAddresses.describe('DNS over TLS; needs tls'),
      doh: socketAddresses.describe('DNS over HTTPS at /dns-query; needs tls'),
      admin: bindAddress
        .prefault(LISTEN_DEFAULTS.admin)
        .describe('/metrics /healthz /readyz; HTTPS unless on loopback, which needs tls; "" turns it off'),
      warningPageHttp: bindAddress.prefault(LISTEN_DEFAULTS.warningPageHttp).describe('warning page; "" turns it off'),
      warningPageHttps: bindAddress
        .prefault('')
        .describe('ends TLS to blocked names at once, or shows the page (warningPage.tls); "" turns it off'),
    })
    .prefault({}),
  workers: z
    .union([z.literal('auto'), whole(1, WORKERS_MAX)], `"auto", or a number from 1 to ${WORKERS_MAX}`)
    .default('auto')
    .describe('resolver threads; auto: one for each processor, at most 16'),
  stateDirectory: printable(4096)
    .min(1)
    .default('./state')
    .describe('last good copies of lists, the ledger, secrets of this node'),
  upstreams: z
    .array(parsed(parseUpstream))
    .max(UPSTREAMS_MAX)
    .default([])
    .describe("udp://, tcp://, tls://NAME@192.0.2.1, https://..., or recursive; empty: the system's resolvers"),
  upstreamQueries: z
    .strictObject({
      deadlineMs: whole(10, 60_000).default(5000).describe('from the first transmission to SERVFAIL'),
      attemptTimeoutMs: whole(5, 60_000).default(800).describe('until another upstream is tried'),
      attemptsMax: whole(1, 10).default(4).describe('transmissions for one question'),
      outstandingMax: whole(1, 1_000_000).default(20_000).describe('questions waiting at a time, in each thread'),
      randomizeCase: z.boolean().default(false).describe('random letter case in questions sent (0x20)'),
      ca: printable(4096).default('').describe('PEM file of the authorities trusted for tls:// and https://'),
      sourcePorts: whole(1, 512).default(16).describe('UDP ports to each upstream, in each thread'),
    })
    .prefault({}),
  recursion: z
    .strictObject({
      program: printable(4096).default('').describe('the unbound program; "": found on the PATH'),
      cacheBytesMax: whole(1 * MIB, 65_536 * MIB)
        .default(256 * MIB)
        .describe('of the recursor, for upstreams: [recursive]'),
      include: printable(4096).default('').describe("file with more of Unbound's own settings"),
    })
    .prefault({}),
  lists: z.array(listSchema).max(LISTS_MAX, `at most ${LISTS_MAX} lists`).default([]),
  allow: files.describe('files of names that are never blocked'),
  protected: files.describe('files of names that are held if a list would block them'),
  popular: files.describe('rank lists, most popular first; held likewise'),
  sharedHosts: files.describe('files of names that many customers share; held likewise'),
  push: z
    .strictObject({
      entriesMax: whole(1, 10_000_000).default(2_000_000).describe('entries in one change'),
      bodyBytesMax: whole(1024, 4096 * MIB)
        .default(512 * MIB)
        .describe('largest body of one change'),
    })
    .prefault({}),
  feeds: z
    .strictObject({
      publish: z.array(printable(32).min(1)).max(LISTS_MAX).default([]).describe('push lists served as signed feeds'),
      secretKey: printable(4096).default('').describe('minisign secret key file (weir feed keygen)'),
      passwordFile: printable(4096).default('').describe('file with its password; "": it has none'),
      waitSecondsMax: whole(0, 600).default(60).describe('longest wait of a follower for a new version'),
    })
    .prefault({}),
  blastRadius: z
    .strictObject({
      sharePercent: z
        .number()
        .min(0)
        .max(100)
        .default(0.01)
        .describe('entries that at least so many of the queries ask for are held'),
      queriesMin: whole(1, 1_000_000_000).default(1000).describe('and at least so many queries in 24 h'),
    })
    .prefault({}),
  sinkhole: z
    .strictObject({
      addresses: z
        .array(z.union([z.ipv4(), z.ipv6()], 'not an IP address'))
        .max(8)
        .default(['127.0.0.1', '::1'])
        .describe('of the warning page; at most 4 a family'),
      ttlSeconds: whole(0, DAY_SECONDS).default(30).describe('how long a client may keep a blocked answer'),
    })
    .prefault({}),
  warningPage: warningPageSchema,
  appeals: appealsSchema,
  eventLog: eventLogSchema,
  specialUse: z
    .strictObject({
      reservedNames: z.boolean().default(true).describe('answer localhost, invalid, test, onion here (RFC 6761, 7686)'),
      privateReverseZones: z.boolean().default(true).describe('answer reverse zones of private addresses (RFC 6303)'),
      resolverArpa: z.boolean().default(true).describe('answer resolver.arpa here (RFC 9462)'),
      firefoxCanary: z.boolean().default(true).describe('use-application-dns.net: NXDOMAIN'),
      applePrivateRelay: z.boolean().default(true).describe('mask.icloud.com, mask-h2.icloud.com: refuse the relay'),
    })
    .prefault({}),
  cache: z
    .strictObject({
      bytesMax: whole(0, 65_536 * MIB)
        .default(64 * MIB)
        .describe('of each thread, and 8,388,608 answers at most; 0 turns the cache off'),
      ttlSecondsMin: whole(0, 3600).default(0).describe('shorter TTLs are kept this long'),
      ttlSecondsMax: whole(1, WEEK_SECONDS).default(DAY_SECONDS).describe('longer TTLs are cut to this'),
      negativeTtlSecondsMax: whole(0, NEGATIVE_TTL_SECONDS_MAX)
        .default(3600)
        .describe('of NXDOMAIN and NODATA (RFC 2308)'),
      staleSecondsMax: whole(0, WEEK_SECONDS)
        .default(DAY_SECONDS)
        .describe('past the TTL, when upstreams fail (RFC 8767)'),
      prefetch: z.boolean().default(true).describe('renew popular answers before they expire'),
    })
    .prefault({}),
  edns: z
    .strictObject({
      udpPayloadBytes: whole(512, 4096).default(1232).describe('largest UDP response'),
      clientSubnet: parsed(parseClientSubnet)
        .prefault('strip')
        .describe('strip, or the prefix sent upstream as the subnet of every client (RFC 7871)'),
    })
    .prefault({}),
  tcp: z
    .strictObject({
      connectionsMax: whole(1, 100_000).default(2000).describe('of each thread'),
      connectionsPerClientMax: whole(1, 100_000)
        .default(200)
        .describe('of one IPv4 address or IPv6 /64, in each thread'),
      idleTimeoutMs: whole(10, 600_000).default(10_000).describe('a quiet connection is closed after this'),
      pipelineMax: whole(1, 10_000).default(100).describe('queries of one connection waiting at a time'),
    })
    .prefault({}),
  tls: z
    .strictObject({
      certificate: printable(4096).default('').describe('PEM file, the chain; reread when it changes'),
      key: printable(4096).default('').describe('its private key, a PEM file; reread when it changes'),
      name: printable(253).default('').describe('name told by DDR; "": the certificate\'s first DNS name'),
      connectionsMax: whole(1, 100_000).default(4000).describe('DoT and DoH connections of each thread'),
      connectionsPerClientMax: whole(1, 100_000)
        .default(400)
        .describe('of one IPv4 address or IPv6 /64, in each thread, handshakes included'),
      idleTimeoutMs: whole(10, 600_000).default(30_000).describe('a quiet DoT or DoH connection is closed after this'),
    })
    .prefault({}),
  identity: z
    .strictObject({
      version: printable(CHARACTER_STRING_MAX).default('weir').describe('answer to version.bind; "" refuses it'),
      serverId: printable(CHARACTER_STRING_MAX).default('weir').describe('answer to id.server; "" refuses it'),
    })
    .prefault({}),
  clients: z
    .strictObject({
      allow: z
        .array(parsed(parsePrefix))
        .max(PREFIXES_MAX)
        .prefault(['127.0.0.0/8', '::1/128'])
        .describe('prefixes that may ask; everyone else is refused'),
      groups: z
        .array(
          z.strictObject({
            name: z
              .string()
              .regex(/^[a-z0-9-]{1,32}$/, 'a name is 1 to 32 of a-z, 0-9 and -')
              .describe('shown by weir check and /v1/explain'),
            prefixes: z
              .array(parsed(parsePrefix))
              .min(1)
              .max(PREFIXES_MAX)
              .describe('clients of the group; of several groups the longest prefix decides'),
            lists: z
              .union([z.literal('all'), z.array(printable(32)).max(64)])
              .default('all')
              .describe('lists that hold for them; any other is not there for them'),
            mode: z
              .enum(['list', 'enforce', 'shadow', 'off'])
              .default('list')
              .describe("in the place of the lists' modes; list: as each list has it"),
            language: z
              .enum(['', ...PAGE_LANGUAGES])
              .default('')
              .describe('of the warning page, where the browser names none that it has'),
            region: z
              .string()
              .regex(/^(?!none$)[a-z0-9-]{0,32}$/, 'a region is 1 to 32 of a-z, 0-9 and -, and not "none"')
              .default('')
              .describe('blocked queries of the group are counted as of this region; "": of none'),
          }),
        )
        .max(GROUPS_MAX)
        .default([])
        .describe('clients that lists hold for in their own way'),
    })
    .prefault({}),
  limits: limitsSchema,
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('JSON lines on stdout'),
    })
    .prefault({}),
  shutdownTimeoutMs: whole(0, 600_000).default(5000).describe('for queries in flight when told to stop'),
});

/** What configSchema gives. */
export type ConfigInput = z.output<typeof configSchema>;
