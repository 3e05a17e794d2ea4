/** What GET /v1/explain answers, as a schema. The verdict's keys are those of `weir check --json`. */
import { count, dateTime, dateTimeOrNull, flag, list, record, scope, text, textOrNull } from './schemas.ts';

const countOrNull = { type: ['integer', 'null'], minimum: 0 };

const ruleSchema = {
  ...record(
    {
      outcome: { ...text, description: 'decides, or why it does not' },
      level: { enum: ['base', 'overlay'] },
      entry: text,
      kind: text,
      scope,
      mode: text,
      list: text,
      authority: text,
      order: text,
      version: count,
      category: text,
      action: text,
      expiresAtSeconds: count,
      rolloutPercent: { type: 'number', minimum: 0, maximum: 100, description: 'of the clients; absent: all' },
      incident: text,
    },
    ['incident', 'rolloutPercent'],
  ),
};

const sourceSchema = record({
  list: text,
  entry: text,
  scope,
  kind: { enum: ['block', 'exception'] },
  category: textOrNull,
  authority: textOrNull,
  reference: textOrNull,
  note: textOrNull,
  maintainer: textOrNull,
  addedAt: textOrNull,
  addedInVersion: countOrNull,
  expiresAt: dateTimeOrNull,
  held: { ...flag, description: 'kept out of force by the guard' },
});

const eventSchema = record({
  at: dateTime,
  list: text,
  version: count,
  what: { enum: ['added', 'removed', 'held', 'released', 'rejected'] },
  scope,
  maintainer: text,
  reason: text,
  reference: textOrNull,
});

export const explainAnswerSchema = record({
  name: text,
  verdict: { enum: ['allowed', 'allowlisted', 'blocked', 'shadow'] },
  list: { ...textOrNull, description: 'that decides' },
  entry: textOrNull,
  scope: textOrNull,
  category: textOrNull,
  authority: textOrNull,
  version: countOrNull,
  action: textOrNull,
  order: textOrNull,
  incident: textOrNull,
  reference: textOrNull,
  addedAt: textOrNull,
  expiresAt: dateTimeOrNull,
  note: textOrNull,
  protectedBy: textOrNull,
  exception: {
    anyOf: [record({ id: text, clients: text, entry: text, scope, expiresAt: dateTime }), { type: 'null' }],
    description: 'lets the client through to a name that a list would block',
  },
  group: { ...textOrNull, description: "of the configuration, the client's" },
  generation: count,
  rules: list(ruleSchema),
  sources: list(sourceSchema),
  history: list(eventSchema),
});
