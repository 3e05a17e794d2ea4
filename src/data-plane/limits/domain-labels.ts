/**
 * How many labels of a name, from its end, are likely the domain that somebody registered: what miss-budgets.ts keeps a
 * budget for. A guess by rule and not the Public Suffix List: the list is the control plane's, it changes, and here a
 * wrong guess costs little: a registry taken for a domain shares one generous budget, and a domain taken for a registry
 * has its outer budget still. No allocation.
 */
import { FOLD } from '../../dns/name.ts';

/** Under a country's domain: what many registries put people below (com.cn, co.uk, gouv.fr), provinces of China too. */
const REGISTRY_LABELS = new Set(
  (
    'ac adv art asso biz co com ed edu firm gen go gob gouv gov govt gub id idv in ind info int k12 ltd me mil mod muni ' +
    'name ne net nhs nic nom or org plc pol press pro res sch school tm web ' +
    'ah bj cq fj gd gs gx gz ha hb he hi hk hl hn jl js jx ln mo nm nx qh sc sd sh sn sx tj tw xj xz yn zj'
  )
    .split(' ')
    .map((label) => packed(Buffer.from(label, 'latin1'), 0, label.length)),
);
const REGISTRY_LABEL_BYTES_MAX = 6;
const COUNTRY_BYTES = 2;
const ARPA = packed(Buffer.from('arpa', 'latin1'), 0, 4);
/** The reverse zones of an IPv4 /16 and an IPv6 /32, with the two labels behind them: what providers are given. */
const IPV4_REVERSE_LABELS = 4;
const IPV6_REVERSE_LABELS = 10;
const IN_ADDR_BYTES = 7;

/**
 * Labels of the domain; 0 for a name of one label, so that floods of made-up top-level domains share one budget.
 * @param labelStarts offsets of the labels relative to `start`
 */
export function domainLabels(bytes: Uint8Array, start: number, labelStarts: Uint8Array, labelCount: number): number {
  if (labelCount < 2) return 0;
  const top = start + labelStarts[labelCount - 1]!;
  const second = start + labelStarts[labelCount - 2]!;
  if (bytes[top] === 4 && packed(bytes, top + 1, 4) === ARPA) {
    return Math.min(labelCount, bytes[second] === IN_ADDR_BYTES ? IPV4_REVERSE_LABELS : IPV6_REVERSE_LABELS);
  }
  const secondBytes = bytes[second]!;
  const isRegistry =
    bytes[top] === COUNTRY_BYTES &&
    secondBytes <= REGISTRY_LABEL_BYTES_MAX &&
    REGISTRY_LABELS.has(packed(bytes, second + 1, secondBytes));
  return Math.min(labelCount, isRegistry ? 3 : 2);
}

/** A short label, letter case aside, as one number. */
function packed(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index++) value = value * 256 + FOLD[bytes[start + index]!]!;
  return value;
}
