/**
 * The keys of the configuration as data, read out of the schema: for the README's table and for the suggestion that
 * follows an unknown key.
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

export interface ConfigKeyRow {
  /** e.g. `lists[].name`. */
  readonly key: string;
  /** JSON text of the default, or 'required'. */
  readonly default: string;
  readonly description: string;
}

/** Distance up to which an unknown key counts as a slip of the pen. */
const SUGGESTION_DISTANCE_MAX = 3;

interface Node {
  readonly schema: z.core.$ZodType;
  readonly fallback: unknown;
  readonly description: string;
}

/** Strips defaults and transforms, keeping the first default and description met. */
function unwrap(schema: z.core.$ZodType): Node {
  let inner = schema;
  let fallback: unknown;
  let description = '';
  for (;;) {
    description ||= inner instanceof z.ZodType ? (inner.description ?? '') : '';
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      fallback ??= inner.def.defaultValue;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.def.in;
    } else {
      return { schema: inner, fallback, description };
    }
  }
}

function collect(schema: z.core.$ZodType, prefix: string, rows: ConfigKeyRow[]): void {
  const node = unwrap(schema);
  if (node.schema instanceof z.ZodObject) {
    for (const [key, child] of Object.entries<z.core.$ZodType>(node.schema.shape)) {
      collect(child, prefix === '' ? key : `${prefix}.${key}`, rows);
    }
    return;
  }
  if (node.schema instanceof z.ZodArray && node.schema.element instanceof z.ZodObject) {
    collect(node.schema.element, `${prefix}[]`, rows);
    return;
  }
  const fallback = node.fallback === undefined ? 'required' : JSON.stringify(node.fallback);
  rows.push({ key: prefix, default: fallback, description: node.description });
}

/** Every key that can be set, in the order of the schema. */
export function CONFIG_KEYS_TABLE(): ConfigKeyRow[] {
  const rows: ConfigKeyRow[] = [];
  collect(configSchema, '', rows);
  return rows;
}

/** The keys that may stand where `path` leads. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: z.core.$ZodType = configSchema;
  for (const step of path) {
    const node = unwrap(schema).schema;
    if (node instanceof z.ZodArray) schema = node.element;
    else if (node instanceof z.ZodObject)
      schema = (node.shape as Record<string, z.core.$ZodType>)[String(step)] ?? z.never();
    else return [];
  }
  const node = unwrap(schema).schema;
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

/** The known key that an unknown one was probably meant to be. */
export function suggestKey(unknown: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(SUGGESTION_DISTANCE_MAX, Math.ceil(unknown.length / 2)) + 1;
  for (const key of known) {
    const distance = editDistance(unknown.toLowerCase(), key.toLowerCase());
    const isPart = unknown.length >= 3 && key.toLowerCase().startsWith(unknown.toLowerCase());
    const score = isPart ? Math.min(distance, 1) : distance;
    if (score < bestDistance) [best, bestDistance] = [key, score];
  }
  return best;
}

/** Insertions, deletions and substitutions from one word to another (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
