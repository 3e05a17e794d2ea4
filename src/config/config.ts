/**
 * The configuration after loading: every default filled in, every path absolute, every address parsed. Types only, so
 * that any plane may depend on it; load-config.ts makes it from YAML.
 */
import type { ClientGroup } from '../policy/client-groups.ts';
import type { ActionName } from '../policy/actions.ts';
import type { Category } from '../policy/category.ts';
import type { ListMode, ListOrder } from '../policy/published.ts';
import type { PageColours } from './page-colours.ts';
import type { PageLanguage, PageTexts } from './page-text-keys.ts';

/** What lists are to a group, and what else is said of its clients. */
export interface ConfiguredGroup extends ClientGroup {
  /** Of the warning page, for who names none that it has; undefined: as for everybody. */
  readonly language: PageLanguage | undefined;
  /** Several groups may be of one. */
  readonly region: string | undefined;
}

export interface SocketAddress {
  /** An IPv4 or IPv6 literal without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface UpstreamConfig {
  /** As written (the metric label); 'recursive' has its port when its recursor runs. */
  readonly url: string;
  readonly protocol: 'udp' | 'tcp' | 'tls' | 'https';
  readonly host: string;
  readonly port: number;
  /** tls and https: the name in its certificate; without one, its address is. */
  readonly serverName?: string;
  /** tls and https: SHA-256 of public keys (SubjectPublicKeyInfo), in base64; one of them counts instead of a certificate. */
  readonly pins?: readonly string[];
  /** https: e.g. /dns-query. */
  readonly path?: string;
}

export interface ListConfig {
  readonly name: string;
  /** Absolute path, or an https:// (or http:// on loopback) URL. */
  readonly source: string;
  readonly sourceKind: 'file' | 'https' | 'push' | 'feed';
  /** Name of a format in control-plane/list-sync/format/formats.ts, or 'auto'. */
  readonly format: string;
  readonly category: Category;
  readonly authority: string;
  readonly order: ListOrder;
  readonly mode: ListMode;
  readonly action: ActionName;
  /** Names a person has looked at: in force though the guard would hold them. */
  readonly approved: readonly string[];
  readonly refreshSeconds: number;
  readonly bytesMax: number;
  readonly fetchTimeoutMs: number;
  /** Percentage of skipped lines beyond which an update is refused. */
  readonly badLinesPercentMax: number;
  /** An update of 1,000 entries or more that removes, or adds, more than this is held whole. */
  readonly shrinkPercentMax: number;
  readonly growthPercentMax: number;
  readonly twoPersons: boolean;
  readonly rollout: readonly { readonly percent: number; readonly seconds: number }[];
  /** Open appeals against a rollout's entries; more take it back. */
  readonly rolloutAppealsMax: number;
  readonly versionsMax: number;
  /** Days until an objection to the list has to be decided. */
  readonly appealDays: number;
  readonly feedKeys: readonly string[];
  /** Absolute paths, or ''. */
  readonly tokenFile: string;
  readonly ca: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  readonly proxy: string;
}

export interface WarningPageConfig {
  readonly provider: string;
  /** A data: URI, or ''. */
  readonly logo: string;
  readonly colours: PageColours;
  /** An empty label: the page's own words for a number that it knows. */
  readonly hotlines: readonly { readonly label: string; readonly number: string }[];
  /** An operator's own words. */
  readonly texts: Readonly<Record<PageLanguage, Partial<PageTexts>>>;
  readonly objectionUrl: string;
  readonly blockedBy: string;
  /** Of one client prefix; 0: no limit. */
  readonly requestsPerSecondMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
  /** Absolute paths, or ''. */
  readonly tls: {
    readonly caCertificate: string;
    readonly caKey: string;
    readonly certificatesPerSecondMax: number;
  };
}

/** Objections to blocks, taken on the warning page. */
export interface AppealsConfig {
  readonly enabled: boolean;
  /** Past its day, until an objection that nobody has decided counts as expired. */
  readonly expireDays: number;
  /** Past its end, until what a person wrote is forgotten. */
  readonly retentionDays: number;
  /** Of one IPv4 address or IPv6 /64. */
  readonly perClientPerDayMax: number;
  /** In front of the path of private links; '': the address of the page. */
  readonly statusUrl: string;
  /** https; '': nobody is told. */
  readonly webhookUrl: string;
}

export interface EventLogConfig {
  /** Absolute path, or '': off. */
  readonly file: string;
  readonly bytesMax: number;
  readonly ageSecondsMax: number;
  readonly filesMax: number;
  readonly samplePercent: number;
  readonly clientAddress: 'hashed' | 'raw' | 'none';
  readonly hashRotationSeconds: number;
}

export interface LimitsConfig {
  readonly exemptLoopback: boolean;
  /** Client prefixes. */
  readonly exempt: readonly string[];
  /** 0: no limit. */
  readonly queriesPerSecondMax: number;
  readonly queriesBurstMax: number;
  readonly excess: 'drop' | 'refuse';
  /** 0: no limit. */
  readonly responsesPerSecondMax: number;
  /** Units: bits. */
  readonly responsesIpv4PrefixBits: number;
  readonly responsesIpv6PrefixBits: number;
  /** Every how many limited responses one is sent truncated; 0: none. */
  readonly slip: number;
  readonly kernelFilter: 'on' | 'off';
  readonly cookies: 'on' | 'off';
  /** Absolute path, or ''. */
  readonly cookieSecretFile: string;
  /** 32 hexadecimal digits each, what is in that file: the first makes cookies, all are accepted. */
  readonly cookieSecrets: readonly string[];
  /** Queries of one client that wait for upstreams; 0: no limit. */
  readonly outstandingPerClientMax: number;
  readonly outstandingExcess: 'servfail' | 'drop';
  /** Questions upstream for one domain; 0: no limit. */
  readonly missesPerDomainPerSecondMax: number;
  /** Of them for one client; 0: as many as for all. */
  readonly missesPerDomainClientPerSecondMax: number;
  /** Names. */
  readonly missesExempt: readonly string[];
  /** Answer ANY over UDP with one synthesized record. */
  readonly anyMinimal: boolean;
}

export interface Config {
  readonly listen: {
    readonly do53: readonly SocketAddress[];
    /** Prefixes of balancers that say whose query it is. */
    readonly proxyProtocol: readonly string[];
    readonly dot: readonly SocketAddress[];
    readonly doh: readonly SocketAddress[];
    readonly admin: SocketAddress | undefined;
    readonly warningPageHttp: SocketAddress | undefined;
    readonly warningPageHttps: SocketAddress | undefined;
  };
  readonly workers: number;
  readonly stateDirectory: string;
  /** Empty list in YAML: filled from the system's resolvers at start. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly upstreamQueries: {
    /** From the first transmission to SERVFAIL. */
    readonly deadlineMs: number;
    /** Until another upstream is tried. */
    readonly attemptTimeoutMs: number;
    readonly attemptsMax: number;
    readonly outstandingMax: number;
    /** Random letter case in outgoing questions (0x20). */
    readonly randomizeCase: boolean;
    /** PEM of the authorities trusted for tls and https; '': Node's own. */
    readonly ca: string;
    /** UDP source ports kept open to each upstream by each thread. */
    readonly sourcePorts: number;
  };
  /** Of the Unbound that `upstreams: [recursive]` starts. Paths are absolute, or ''. */
  readonly recursion: { readonly program: string; readonly cacheBytesMax: number; readonly include: string };
  readonly lists: readonly ListConfig[];
  readonly allow: readonly string[];
  readonly protected: readonly string[];
  readonly popular: readonly string[];
  readonly sharedHosts: readonly string[];
  readonly push: { readonly entriesMax: number; readonly bodyBytesMax: number };
  readonly feeds: {
    /** Names of lists. */
    readonly publish: readonly string[];
    /** Absolute paths, or ''. */
    readonly secretKey: string;
    readonly passwordFile: string;
    readonly waitSecondsMax: number;
  };
  /** Live query counts that make the guard hold an entry. */
  readonly blastRadius: { readonly sharePercent: number; readonly queriesMin: number };
  readonly sinkhole: { readonly addresses: readonly string[]; readonly ttlSeconds: number };
  readonly warningPage: WarningPageConfig;
  readonly appeals: AppealsConfig;
  readonly eventLog: EventLogConfig;
  readonly specialUse: {
    /** RFC 6761 names: localhost, invalid, test, onion. */
    readonly reservedNames: boolean;
    /** RFC 6303 reverse zones of private and local addresses. */
    readonly privateReverseZones: boolean;
    /** resolver.arpa (RFC 9462). */
    readonly resolverArpa: boolean;
    /** use-application-dns.net: asks Firefox to keep the provider's resolver. */
    readonly firefoxCanary: boolean;
    /** mask.icloud.com, mask-h2.icloud.com: asks Apple's Private Relay to step aside. */
    readonly applePrivateRelay: boolean;
  };
  readonly cache: {
    /** For each resolver thread. */
    readonly bytesMax: number;
    readonly ttlSecondsMin: number;
    readonly ttlSecondsMax: number;
    readonly negativeTtlSecondsMax: number;
    /** How long past its TTL an answer may still serve when upstreams fail; 0 turns it off. */
    readonly staleSecondsMax: number;
    readonly prefetch: boolean;
  };
  /** clientSubnet: 'strip', or a prefix. */
  readonly edns: { readonly udpPayloadBytes: number; readonly clientSubnet: string };
  readonly tcp: {
    readonly connectionsMax: number;
    readonly connectionsPerClientMax: number;
    readonly idleTimeoutMs: number;
    /** Queries of one connection that may wait for an answer at a time. */
    readonly pipelineMax: number;
  };
  /** Of DoT, DoH and an admin listener that is not on loopback. */
  readonly tls: {
    /** Absolute paths, or ''. */
    readonly certificate: string;
    readonly key: string;
    /** '': the certificate's first DNS name. */
    readonly name: string;
    readonly connectionsMax: number;
    readonly connectionsPerClientMax: number;
    readonly idleTimeoutMs: number;
  };
  readonly identity: { readonly version: string; readonly serverId: string };
  /** Client prefixes, e.g. "10.0.0.0/8". */
  readonly clients: {
    readonly allow: readonly string[];
    /** Names, prefixes and lists are checked: no two of a name or a prefix, no list that is not there. */
    readonly groups: readonly ConfiguredGroup[];
  };
  /** Of queries and responses, in each resolver thread. */
  readonly limits: LimitsConfig;
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' };
  readonly shutdownTimeoutMs: number;
}
