/**
 * GET /v1/explain: what happens to a name now, which rule of which list decides, what each list knows of it, and what has
 * been done to it. Verdict and rules are the policy's own, for the client that is given; references, notes, people and history
 * are shown of the lists that the token may read.
 */
import { wallClockMs } from '../../clock.ts';
import { nameFromText } from '../../dns/name.ts';
import { clientOctets } from '../../policy/address.ts';
import { CATEGORIES } from '../../policy/category.ts';
import { explain, type ExplainedRule } from '../../policy/explain.ts';
import { isTypedIncident, readIncident } from '../../policy/read-incident.ts';
import type { NameEvent, NameState } from '../ledger/ledger.ts';
import { nameVerdict } from '../list-sync/name-verdict.ts';
import { normaliseName } from '../list-sync/format/normalise-name.ts';
import type { FoundEntry } from '../list-sync/find-entries.ts';
import { allows, ok, refuse, type ApiAnswer, type ApiCall, type ApiProblem, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { explainAnswerSchema } from './explain-schema.ts';
import { findIncidentInIndex } from './find-incident.ts';
import { READ_RIGHTS } from './lists.ts';
import { RateLimiter } from './rate-limiter.ts';
import { timeText } from './schemas.ts';

/** Questions of one token: each may read through whole lists. */
const EXPLAIN_RATE = { burst: 50, perSecond: 5, keysMax: 10_000 } as const;
const HISTORY_MAX = 200;
const NO_POLICY = 'No policy is published yet.';

/** One entry of one list on the name or above it. */
interface Source {
  readonly list: string;
  readonly entry: string;
  readonly scope: 'exact' | 'subtree';
  readonly kind: 'block' | 'exception';
  readonly category: string | null;
  readonly authority: string | null;
  readonly reference: string | null;
  readonly note: string | null;
  readonly maintainer: string | null;
  readonly addedAt: string | null;
  readonly addedInVersion: number | null;
  readonly expiresAt: string | null;
  readonly held: boolean;
}

export function explainRoutes(services: ApiServices): ApiRoute[] {
  const rate = new RateLimiter(EXPLAIN_RATE);
  return [
    {
      method: 'GET',
      url: '/v1/explain',
      operationId: 'explainName',
      summary: 'What happens to a name, and why',
      description:
        'By name, or by the incident id that a client was shown. Give one of the two; an id is known as one in the place of a name, too.',
      rights: READ_RIGHTS,
      query: {
        name: { type: 'string', description: 'domain name', maxLength: 1_024 },
        incident: { type: 'string', description: 'incident id of a block', maxLength: 32 },
        client: {
          type: 'string',
          description: 'address of a client: whether a rule that is being rolled out holds for it',
          maxLength: 64,
        },
      },
      answer: explainAnswerSchema,
      problems: ['incidentUnknown', 'tooManyRequests', 'storeUnavailable'],
      handle: async (call) => {
        const nowMs = wallClockMs();
        if (rate.take(call.actor.id, nowMs)) return explainName(services, call, Math.floor(nowMs / 1000));
        const seconds = String(rate.waitSeconds(call.actor.id, nowMs));
        return refuse('tooManyRequests', undefined, undefined, { 'Retry-After': seconds });
      },
    },
  ];
}

async function explainName(services: ApiServices, call: ApiCall, nowSeconds: number): Promise<ApiAnswer> {
  if (services.policy() === undefined) return refuse('storeUnavailable', NO_POLICY);
  const name = await nameOf(services, call, nowSeconds);
  if (typeof name !== 'string') return name;
  const client = clientOf(call);
  if (client === 'bad') return refuse('badRequest', 'query parameter client is not an IP address');
  const wire = nameFromText(name) ?? new Uint8Array(1);
  const mayRead = (list: string): boolean => allows(call.actor, READ_RIGHTS, list);
  const names = namesAbove(name);
  const [found, states] = await Promise.all([services.finder.findEntries(wire), services.ledger.lookUp(names)]);
  const sources = [...found.map(pulledSource), ...states.flatMap(ledgerSources)].filter(({ list }) => mayRead(list));
  // Why only now: the buffers of a policy are somebody else's, or empty, once another one is in force.
  const policy = services.policy();
  if (policy === undefined) return refuse('storeUnavailable', NO_POLICY);
  const explanation = explain(policy, wire, 0, nowSeconds, client);
  if (explanation === undefined) return refuse('badRequest', 'query parameter name is not a domain name');
  const by = explanation.decidedBy;
  const source = by === undefined ? undefined : sources.find((one) => isSourceOf(by, one));
  const history = await historyOf(services, new Set([name, by?.entry ?? name]));
  return ok({
    ...nameVerdict(name, explanation, source === undefined ? undefined : withoutNulls(source)),
    group: explanation.group ?? null,
    generation: explanation.generation,
    rules: explanation.rules,
    sources,
    history: history.filter(({ list }) => mayRead(list)).map(eventBody),
  });
}

/** The name that is asked about, or that the incident stands for. */
async function nameOf(
  { ledger, policy }: ApiServices,
  { query }: ApiCall,
  nowSeconds: number,
): Promise<string | ApiProblem> {
  const { name } = query;
  if ((name === undefined) === (query['incident'] === undefined)) {
    return refuse('badRequest', 'Give one of the query parameters name and incident.');
  }
  // Why: a number is read out on the telephone, and an "allowed" for it as a name would be believed.
  const incident = query['incident'] ?? (isTypedIncident(String(name)) ? name : undefined);
  if (incident === undefined) {
    const normalised = normaliseName(String(name));
    return normalised.kind === 'name'
      ? normalised.name
      : refuse('badRequest', `query parameter name is not a domain name (${normalised.reason})`);
  }
  const parts = readIncident(String(incident));
  if (parts === undefined) return refuse('badRequest', 'query parameter incident is not an incident id');
  const pushed = await ledger.findIncident(String(incident));
  const found = pushed?.entry.name ?? (await findIncidentInIndex(policy, parts, nowSeconds));
  return found ?? refuse('incidentUnknown', 'No entry that is kept has this incident id.');
}

function clientOf({ query }: ApiCall): Uint8Array | undefined | 'bad' {
  if (query['client'] === undefined) return undefined;
  return clientOctets(String(query['client'])) ?? 'bad';
}

/** The name and every name above it, but the root. */
function namesAbove(name: string): string[] {
  const names: string[] = [];
  for (let rest = name; rest !== ''; rest = rest.slice(rest.indexOf('.') + 1)) {
    names.push(rest);
    if (!rest.includes('.')) break;
  }
  return names;
}

async function historyOf({ ledger }: ApiServices, names: ReadonlySet<string>): Promise<readonly NameEvent[]> {
  const events = await Promise.all([...names].map((name) => ledger.history(name, HISTORY_MAX)));
  return events.flat();
}

function pulledSource({ list, entry }: { readonly list: string; readonly entry: FoundEntry }): Source {
  const { name, scope, kind, categoryIndex, expiresAtSeconds, provenance, isHeld } = entry;
  return {
    list,
    entry: name,
    scope,
    kind,
    category: CATEGORIES[categoryIndex] ?? null,
    authority: provenance?.authority ?? null,
    reference: provenance?.reference ?? null,
    note: provenance?.note ?? null,
    maintainer: null,
    addedAt: provenance?.addedAt ?? null,
    addedInVersion: null,
    expiresAt: timeText(expiresAtSeconds),
    held: isHeld,
  };
}

function ledgerSources({ list, entries }: NameState & { readonly list: string }): Source[] {
  return entries.map((entry) => ({
    list,
    entry: entry.name,
    scope: entry.scope,
    kind: 'block' as const,
    category: entry.category ?? null,
    authority: null,
    reference: entry.reference ?? null,
    note: entry.note ?? null,
    maintainer: entry.maintainer,
    addedAt: timeText(entry.addedAtSeconds),
    addedInVersion: entry.addedInVersion,
    expiresAt: timeText(entry.expiresAtSeconds),
    held: false,
  }));
}

function isSourceOf(rule: ExplainedRule, { list, entry, scope, kind }: Source): boolean {
  return list === rule.list && entry === rule.entry && scope === rule.scope && kind === rule.kind;
}

function withoutNulls({ authority, reference, addedAt, note }: Source) {
  return {
    authority: authority ?? undefined,
    reference: reference ?? undefined,
    addedAt: addedAt ?? undefined,
    note: note ?? undefined,
  };
}

function eventBody({ atSeconds, list, version, what, scope, maintainer, reason, reference }: NameEvent) {
  return { at: timeText(atSeconds), list, version, what, scope, maintainer, reason, reference: reference ?? null };
}
