/** GET /v1/lists and what is kept of a push list or feed: its versions, its entries. Reads only. */
import { normaliseName } from '../list-sync/format/normalise-name.ts';
import type { ListConfig } from '../../config/config.ts';
import { ACTIONS } from '../../policy/actions.ts';
import type { LedgerEntry, VersionRow } from '../ledger/ledger.ts';
import { isOfLedger } from '../list-sync/ledger-list.ts';
import type { ListStatus } from '../list-sync/list-status.ts';
import { allows, forbidden, ok, refuse, type ApiAnswer, type ApiCall, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import {
  category,
  count,
  counts,
  dateTime,
  dateTimeOrNull,
  flag,
  list,
  record,
  scope,
  text,
  textOrNull,
  timeText,
} from './schemas.ts';

/** Rights that open what is only read. Who decides on holds has to see what they are about. */
export const READ_RIGHTS = ['read', 'approve'] as const;
const PAGE_MAX = 1_000;
const NAME_CHARACTERS_MAX = 1_024;

const listSchema = record({
  name: text,
  sourceKind: { enum: ['file', 'https', 'push', 'feed'] },
  mode: { enum: ['enforce', 'shadow', 'off'] },
  action: { enum: ACTIONS },
  order: { enum: ['authority', 'operator', 'subscriber'] },
  authority: text,
  category,
  state: { enum: ['loading', 'loaded', 'failed'] },
  version: { ...count, description: 'in force; 0: none yet' },
  digest: { ...text, description: 'SHA-256 of what is in force' },
  entries: { ...count, description: 'in force, without what is held' },
  holds: { ...counts, description: 'entries held, by guard; an update that is held whole counts as one' },
  heldUpdate: {
    anyOf: [record({ sha256: text, guard: text, detail: text }), { type: 'null' }],
    description: 'an update that waits for a person; what is in force stays',
  },
  lastSuccessAt: dateTimeOrNull,
  fromLastGoodCopy: flag,
  failure: { anyOf: [record({ reason: text, message: text }), { type: 'null' }] },
});

const versionSchema = record({
  version: count,
  createdAt: dateTime,
  maintainer: text,
  reason: text,
  origin: text,
  added: count,
  removed: count,
  entries: count,
  digest: text,
});

export const entrySchema = record({
  name: text,
  scope,
  category: { ...textOrNull, description: 'null: the default of the list' },
  categoryWord: { ...textOrNull, description: 'as it was sent, where it is not one of ours' },
  reference: textOrNull,
  note: textOrNull,
  mode: { enum: ['enforce', 'shadow'] },
  rolloutSlot: { ...count, description: '0: in force for everyone' },
  maintainer: text,
  addedAt: dateTime,
  addedInVersion: count,
  expiresAt: dateTimeOrNull,
  approved: flag,
});

export function listRoutes(services: ApiServices): ApiRoute[] {
  const limit = {
    type: 'integer',
    description: 'at most so many',
    minimum: 1,
    maximum: PAGE_MAX,
    default: 100,
  } as const;
  return [
    {
      method: 'GET',
      url: '/v1/lists',
      operationId: 'getLists',
      summary: 'The lists that the token may read, and what is in force of each',
      rights: READ_RIGHTS,
      answer: record({ lists: list(listSchema) }),
      problems: [],
      handle: async ({ actor }) => {
        const statuses = new Map(services.listStatus().map((status) => [status.name, status]));
        const readable = services.config().lists.filter(({ name }) => allows(actor, READ_RIGHTS, name));
        return ok({ lists: readable.map((one) => listBody(one, statuses.get(one.name))) });
      },
    },
    {
      method: 'GET',
      url: '/v1/lists/:name/versions',
      operationId: 'getVersions',
      summary: 'Versions of a push list or feed, newest first',
      rights: READ_RIGHTS,
      query: { limit },
      answer: record({ versions: list(versionSchema) }),
      problems: ['listUnknown', 'notAPushList'],
      handle: async (call) => {
        const refusal = refuseReading(services, call);
        if (refusal !== undefined) return refusal;
        const versions = await services.ledger.versions(call.params['name']!, Number(call.query['limit']));
        return ok({ versions: versions.map(versionBody) });
      },
    },
    {
      method: 'GET',
      url: '/v1/lists/:name/entries',
      operationId: 'getEntries',
      summary: 'Entries of a push list or feed, in the order of their names',
      rights: READ_RIGHTS,
      query: {
        after: { type: 'string', description: 'names behind this one', maxLength: NAME_CHARACTERS_MAX },
        name: { type: 'string', description: 'this name only', maxLength: NAME_CHARACTERS_MAX },
        limit,
      },
      answer: record({
        entries: list(entrySchema),
        next: { ...textOrNull, description: 'what to send as `after` for those behind; null: there are none' },
      }),
      problems: ['listUnknown', 'notAPushList'],
      handle: async (call) => entries(services, call),
    },
  ];
}

async function entries(services: ApiServices, call: ApiCall): Promise<ApiAnswer> {
  const refusal = refuseReading(services, call);
  if (refusal !== undefined) return refusal;
  const listName = call.params['name']!;
  const { name, after = '' } = call.query;
  if (name !== undefined) {
    const normalised = normaliseName(String(name));
    if (normalised.kind !== 'name') return refuse('badRequest', 'query parameter name is not a domain name');
    const states = await services.ledger.lookUp([normalised.name]);
    const own = states.filter((state) => state.list === listName).flatMap((state) => state.entries);
    return ok({ entries: own.map(entryBody), next: null });
  }
  const limit = Number(call.query['limit']);
  const found = await services.ledger.entries(listName, String(after), limit + 1);
  const last = found[limit - 1];
  if (found.length <= limit || last === undefined) return ok({ entries: found.map(entryBody), next: null });
  // Why: a name has up to two entries, and the next page begins behind the name.
  const page = found.filter((entry, place) => place < limit || entry.name === last.name);
  return ok({ entries: page.map(entryBody), next: last.name });
}

/** Of a list whose versions are kept entry by entry. */
function refuseReading({ config }: ApiServices, { actor, params }: ApiCall): ApiAnswer | undefined {
  const name = params['name']!;
  const found = config().lists.find((one) => one.name === name);
  if (found === undefined) return refuse('listUnknown', `There is no ${name}.`);
  if (!allows(actor, READ_RIGHTS, name)) return forbidden(READ_RIGHTS, name);
  if (isOfLedger(found)) return undefined;
  return refuse(
    'notAPushList',
    `${name} is read from its source as a whole; entries are kept of push lists and feeds.`,
  );
}

function listBody(config: ListConfig, status: ListStatus | undefined): Record<string, unknown> {
  const { name, sourceKind, mode, action, order, authority, category: ofList } = config;
  const { version = 0, sha256 = '', entries: entryCount = 0, holdsByGuard = {}, failure } = status ?? {};
  return {
    name,
    sourceKind,
    mode,
    action,
    order,
    authority,
    category: ofList,
    state: stateOf(version, failure !== undefined, status?.attempted === true),
    version,
    digest: sha256,
    entries: entryCount,
    holds: holdsByGuard,
    heldUpdate: status?.heldUpdate ?? null,
    lastSuccessAt: timeText(status?.lastSuccessSeconds ?? 0),
    fromLastGoodCopy: status?.fromLastGoodCopy === true,
    failure:
      failure === undefined
        ? null
        : {
            reason: failure.reason,
            message: failure.message,
          },
  };
}

function versionBody({ createdAtSeconds, entryCount, ...row }: VersionRow): Record<string, unknown> {
  const { version, maintainer, reason, origin, added, removed, digest } = row;
  const createdAt = timeText(createdAtSeconds);
  return { version, createdAt, maintainer, reason, origin, added, removed, entries: entryCount, digest };
}

function entryBody(entry: LedgerEntry): Record<string, unknown> {
  return {
    name: entry.name,
    scope: entry.scope,
    category: entry.category ?? null,
    categoryWord: entry.categoryWord ?? null,
    reference: entry.reference ?? null,
    note: entry.note ?? null,
    mode: entry.mode,
    rolloutSlot: entry.rolloutSlot,
    maintainer: entry.maintainer,
    addedAt: timeText(entry.addedAtSeconds),
    addedInVersion: entry.addedInVersion,
    expiresAt: timeText(entry.expiresAtSeconds),
    approved: entry.isApproved,
  };
}

/** A list that takes pushes and never had any is as good as one that is full. */
export function stateOf(version: number, hasFailed: boolean, attempted: boolean): 'loaded' | 'failed' | 'loading' {
  if (version > 0) return 'loaded';
  return hasFailed ? 'failed' : attempted ? 'loaded' : 'loading';
}
