/**
 * GET /v1/audit: the hash-chained record of every change and decision, as it is stored, so that whoever has it can prove
 * it (weir audit verify). JSON, or JSON Lines for an export in pages.
 */
import type { AuditRecord } from '../ledger/ledger.ts';
import { NDJSON } from './api-plugin.ts';
import { allows, forbidden, ok, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { READ_RIGHTS } from './lists.ts';
import { count, list, record, text, textOrNull } from './schemas.ts';

const ALL_LISTS = '*';
const PAGE_MAX = 10_000;

const auditSchema = record({
  seq: count,
  atSeconds: { ...count, description: 'since 1970' },
  actor: text,
  kind: text,
  list: textOrNull,
  data: { type: 'object' },
  previousHash: text,
  hash: text,
});

export function auditRoutes(services: ApiServices): ApiRoute[] {
  return [
    {
      method: 'GET',
      url: '/v1/audit',
      operationId: 'getAudit',
      summary: 'The audit chain, oldest first',
      description: 'It needs read or approve on all lists.',
      rights: READ_RIGHTS,
      query: {
        after: { type: 'integer', description: 'records behind this number', default: 0 },
        limit: { type: 'integer', description: 'at most so many', minimum: 1, maximum: PAGE_MAX, default: 100 },
      },
      answer: record({ records: list(auditSchema) }),
      answerLine: auditSchema,
      problems: [],
      handle: async ({ actor, query, request }) => {
        // Why all: the records of one list say nothing of whether the chain is whole.
        if (!allows(actor, READ_RIGHTS, ALL_LISTS)) return forbidden(READ_RIGHTS, ALL_LISTS);
        const records = await services.ledger.audit(Number(query['after']), Number(query['limit']));
        if (request.headers.accept?.includes(NDJSON) !== true) return ok({ records: records.map(auditBody) });
        const lines = records.map((one) => `${JSON.stringify(auditBody(one))}\n`);
        return { kind: 'ok', body: lines.join(''), contentType: NDJSON };
      },
    },
  ];
}

function auditBody({ seq, atSeconds, actor, kind, list: ofList, data, previousHash, hash }: AuditRecord) {
  return { seq, atSeconds, actor, kind, list: ofList ?? null, data, previousHash, hash };
}
