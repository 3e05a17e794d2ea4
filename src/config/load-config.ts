/**
 * From a YAML file to a Config: parse, check every key (schema.ts), check keys against each other and the file system
 * (cross-checks.ts), fill in what the schema cannot know. Every problem is reported at once, with its key path and line.
 * Relative paths are relative to the folder of the file. Reads files and binds nothing.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import { wallClockMs } from '../clock.ts';
import { isLoopback } from './address.ts';
import type { Config, ConfiguredGroup, ListConfig } from './config.ts';
import type { ConfigProblem } from './config-error.ts';
import { keysAt, suggestKey } from './config-keys.ts';
import { readCookieSecrets } from './cookie-secrets.ts';
import { crossCheck, isUrl, valueAt } from './cross-checks.ts';
import { describeReadError, readProblem } from './file-access.ts';
import { configSchema } from './schema.ts';
import type { ConfigInput } from './schema.ts';
import { warningsAboutSourceAccess } from './source-access-checks.ts';
import { systemUpstreams } from './system-upstreams.ts';
import { warningsAboutTls } from './tls-checks.ts';
import { readLogo, readPageTexts } from './warning-page-files.ts';

export const CONFIG_BYTES_MAX = 1024 * 1024;
const AUTO_WORKERS_MAX = 16;
/** YAML aliases may be used to repeat a value, not to blow one up. */
const ALIASES_MAX = 100;

export type ConfigOutcome =
  | { readonly kind: 'ok'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] };

/** Reads and checks a configuration file. Never throws for what the file says. */
export function loadConfig(path: string): ConfigOutcome {
  const file = resolve(path);
  let text: string;
  try {
    const bytes = readFileSync(file);
    if (bytes.length > CONFIG_BYTES_MAX) return invalid(`larger than ${CONFIG_BYTES_MAX} bytes`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return invalid(`cannot be read: ${describeReadError(error)}`);
  }
  return parseConfig(text, dirname(file));
}

function invalid(message: string): ConfigOutcome {
  return { kind: 'invalid', problems: [{ path: '', message }] };
}

/** Checks the text of a configuration whose relative paths start at `folder`. `systemServers` is for tests. */
export function parseConfig(text: string, folder: string, systemServers?: readonly string[]): ConfigOutcome {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, version: '1.2' });
  const problems: ConfigProblem[] = document.errors.map((error) => ({
    path: '',
    message: `not valid YAML: ${error.message}`,
    line: lineCounter.linePos(error.pos[0]).line,
  }));
  if (problems.length > 0) return { kind: 'invalid', problems };

  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
  } catch (error) {
    return invalid(`not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  const report = (path: readonly PropertyKey[], message: string): void => {
    const line = lineOf(document, path, lineCounter);
    problems.push({ path: pathText(path), message, ...(line === undefined ? {} : { line }) });
  };
  const parsed = configSchema.safeParse(raw);
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, raw, report);
  crossCheck(raw, folder, report);
  if (!parsed.success || problems.length > 0) {
    return { kind: 'invalid', problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
  }
  const config = complete(parsed.data, folder, systemServers);
  return { kind: 'ok', config, warnings: warningsAbout(config) };
}

function reportIssue(
  issue: z.core.$ZodIssue,
  raw: unknown,
  report: (path: readonly PropertyKey[], message: string) => void,
): void {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    for (const key of issue.keys) {
      const suggestion = suggestKey(key, known);
      const hint = suggestion === undefined ? `known here: ${known.join(', ')}` : `did you mean "${suggestion}"?`;
      report([...issue.path, key], `unknown key; ${hint}`);
    }
    return;
  }
  report(issue.path, issueMessage(issue, valueAt(raw, issue.path)));
}

/** zod's message in the words of the rest. */
function issueMessage(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === null) return 'there is nothing behind this key; write a value, or remove the key';
  if (value === undefined && issue.code === 'invalid_type') return 'is required';
  if (issue.code === 'too_small' && issue.origin !== 'array') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin !== 'array') return `must be at most ${issue.maximum}`;
  return issue.message.replace(/^(?:Invalid (?:input|option)|Too (?:big|small)): /, '');
}

/** The path as people write it: lists[0].mode. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

/** Line of the key (or item) that a path leads to, or of the nearest one above it that is there. */
function lineOf(document: Document, path: readonly PropertyKey[], lineCounter: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = isNode(node) ? (node.range?.[0] ?? offset) : offset;
    } else {
      break;
    }
  }
  return offset === undefined ? undefined : lineCounter.linePos(offset).line;
}

function complete(input: ConfigInput, folder: string, systemServers?: readonly string[]): Config {
  const absolute = (paths: readonly string[]): string[] => paths.map((path) => resolve(folder, path));
  const absoluteOrNone = (path: string): string => (path === '' ? '' : resolve(folder, path));
  return {
    listen: input.listen,
    workers: input.workers === 'auto' ? Math.min(availableParallelism(), AUTO_WORKERS_MAX) : input.workers,
    stateDirectory: resolve(folder, input.stateDirectory),
    upstreams: input.upstreams.length > 0 ? input.upstreams : systemUpstreams(input.listen.do53, systemServers),
    upstreamQueries: { ...input.upstreamQueries, ca: pemOf(absoluteOrNone(input.upstreamQueries.ca)) },
    recursion: {
      ...input.recursion,
      program: absoluteOrNone(input.recursion.program),
      include: absoluteOrNone(input.recursion.include),
    },
    lists: input.lists.map((list): ListConfig => {
      const sourceKind = sourceKindOf(list.source);
      return {
        ...list,
        source: sourceKind === 'file' ? resolve(folder, list.source) : list.source,
        sourceKind,
        tokenFile: absoluteOrNone(list.tokenFile),
        ca: absoluteOrNone(list.ca),
        clientCertificate: absoluteOrNone(list.clientCertificate),
        clientKey: absoluteOrNone(list.clientKey),
      };
    }),
    allow: absolute(input.allow),
    protected: absolute(input.protected),
    popular: absolute(input.popular),
    sharedHosts: absolute(input.sharedHosts),
    push: input.push,
    feeds: {
      ...input.feeds,
      secretKey: absoluteOrNone(input.feeds.secretKey),
      passwordFile: absoluteOrNone(input.feeds.passwordFile),
    },
    blastRadius: input.blastRadius,
    sinkhole: input.sinkhole,
    warningPage: warningPageOf(input.warningPage, absoluteOrNone),
    appeals: input.appeals,
    eventLog: { ...input.eventLog, file: absoluteOrNone(input.eventLog.file) },
    specialUse: input.specialUse,
    cache: input.cache,
    edns: input.edns,
    tcp: input.tcp,
    tls: { ...input.tls, certificate: absoluteOrNone(input.tls.certificate), key: absoluteOrNone(input.tls.key) },
    identity: input.identity,
    clients: { allow: input.clients.allow, groups: input.clients.groups.map(groupOf) },
    limits: limitsOf(input.limits, absoluteOrNone),
    log: input.log,
    shutdownTimeoutMs: input.shutdownTimeoutMs,
  };
}

function groupOf({
  name,
  prefixes,
  lists,
  mode,
  language,
  region,
}: ConfigInput['clients']['groups'][number]): ConfiguredGroup {
  return {
    name,
    prefixes,
    lists: lists === 'all' ? undefined : lists,
    mode: mode === 'list' ? undefined : mode,
    language: language === '' ? undefined : language,
    region: region === '' ? undefined : region,
  };
}

/** What cross-checks have found good is read once more here: a file that went meanwhile is left out. */
function warningPageOf(
  input: ConfigInput['warningPage'],
  absoluteOrNone: (path: string) => string,
): Config['warningPage'] {
  const logo = input.logo === '' ? undefined : readLogo(absoluteOrNone(input.logo));
  const textsOf = (file: string) => {
    const texts = file === '' ? undefined : readPageTexts(absoluteOrNone(file));
    return texts?.kind === 'ok' ? texts.value : {};
  };
  const { texts, tls } = input;
  return {
    ...input,
    logo: logo?.kind === 'ok' ? logo.value : '',
    texts: { 'zh-CN': textsOf(texts['zh-CN']), en: textsOf(texts.en), ug: textsOf(texts.ug) },
    tls: { ...tls, caCertificate: absoluteOrNone(tls.caCertificate), caKey: absoluteOrNone(tls.caKey) },
  };
}

/** Why the secrets and not only their file: resolver threads read no files. A reload reads them anew. */
function limitsOf(input: ConfigInput['limits'], absoluteOrNone: (path: string) => string): Config['limits'] {
  const cookieSecretFile = absoluteOrNone(input.cookieSecretFile);
  const read = cookieSecretFile === '' ? undefined : readCookieSecrets(cookieSecretFile);
  return { ...input, cookieSecretFile, cookieSecrets: read?.kind === 'ok' ? read.secrets : [] };
}

/** A path, unless it is an address, a feed's address, or the word for lists that are only pushed to. */
function sourceKindOf(source: string): ListConfig['sourceKind'] {
  if (source === 'push') return 'push';
  if (/^feed\+/i.test(source)) return 'feed';
  return isUrl(source) ? 'https' : 'file';
}

/** Why its text and not its path: threads that forward queries read no files. crossCheck has seen that it can be read. */
function pemOf(file: string): string {
  return file === '' ? '' : readFileSync(file, 'utf8');
}

/** What is legal and yet hardly meant. */
function warningsAbout(config: Config): string[] {
  const nowSeconds = wallClockMs() / 1000;
  const warnings = [...warningsAboutTls(config, nowSeconds), ...warningsAboutSourceAccess(config, nowSeconds)];
  const servesOthers = config.listen.do53.some(({ host }) => !isLoopback(host));
  const sinkholesHere = config.sinkhole.addresses.some((address) => isLoopback(address));
  if (servesOthers && sinkholesHere) {
    warnings.push(
      'sinkhole.addresses: a loopback address sends subscribers to their own machine, not to the warning page',
    );
  }
  // Why only a warning: queries are answered all the same, with the list's last good copy where there is one.
  for (const [index, { source, sourceKind }] of config.lists.entries()) {
    const problem = sourceKind === 'file' ? readProblem(source) : undefined;
    if (problem !== undefined) warnings.push(`lists[${index}].source: ${problem}`);
  }
  for (const [index, { action }] of config.lists.entries()) {
    if (action !== 'nxdomain' || config.allow.length === 0) continue;
    // "the name itself and all names below it are nonexistent" (RFC 8020 2), to every cache behind us.
    warnings.push(
      `lists[${index}].action: nxdomain for a name tells caches that all names below it, allowed ones too, do not exist`,
    );
  }
  if (config.lists.length === 0) warnings.push('lists: there is none, so nothing is blocked');
  if (config.sinkhole.addresses.length === 0 && config.lists.some(({ action }) => action === 'sinkhole')) {
    warnings.push('sinkhole.addresses: there is none, so blocked names get an empty answer and no warning page');
  }
  if (config.upstreamQueries.attemptTimeoutMs >= config.upstreamQueries.deadlineMs) {
    warnings.push('upstreamQueries.attemptTimeoutMs: not below deadlineMs, so a second upstream is never tried');
  }
  if (config.upstreams.length === 0) {
    warnings.push('upstreams: there is none, and the system has no resolver; what is not blocked gets SERVFAIL');
  }
  if (config.clients.allow.length === 0) warnings.push('clients.allow: it is empty, so every query is refused');
  if (config.protected.length === 0) {
    warnings.push('protected: there is no file, so a list may block banks, hospitals and update servers');
  }
  return warnings;
}
