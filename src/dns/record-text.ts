/**
 * The RDATA of a decoded record as text, for people. Input is dns2's record by its fields (codec.ts), so that this file
 * need not know dns2. RFC 1035 5.1; RFC 3597 5 (the generic form); RFC 5952.
 */
import { RecordType } from './iana.ts';

/** The fields that records of the known types have. */
export interface RecordTextFields {
  readonly type: number;
  readonly address?: string;
  readonly domain?: string;
  readonly ns?: string;
  readonly exchange?: string;
  readonly priority?: number;
  readonly weight?: number;
  readonly port?: number;
  readonly target?: string;
  readonly data?: string | string[] | Uint8Array;
  readonly primary?: string;
  readonly admin?: string;
  readonly serial?: number;
  readonly refresh?: number;
  readonly retry?: number;
  readonly expiration?: number | string;
  readonly minimum?: number;
  readonly flags?: number;
  readonly tag?: string;
  readonly value?: string;
}

/** Undefined for a type that has no text of its own here: use genericText. */
export function recordText(record: RecordTextFields): string | undefined {
  switch (record.type) {
    case RecordType.A:
    case RecordType.AAAA:
      return record.address ?? '';
    case RecordType.CNAME:
    case RecordType.PTR:
      return absolute(record.domain);
    case RecordType.NS:
      return absolute(record.ns);
    case RecordType.MX:
      return `${record.priority} ${absolute(record.exchange)}`;
    case RecordType.SRV:
      return `${record.priority} ${record.weight} ${record.port} ${absolute(record.target)}`;
    case RecordType.SOA:
      return [
        absolute(record.primary),
        absolute(record.admin),
        record.serial,
        record.refresh,
        record.retry,
        record.expiration,
        record.minimum,
      ].join(' ');
    case RecordType.CAA:
      return `${record.flags} ${record.tag} ${quoted(record.value ?? '')}`;
    case RecordType.TXT:
    case RecordType.SPF:
      return textStrings(record.data);
    default:
      return undefined;
  }
}

function textStrings(data: RecordTextFields['data']): string {
  if (data === undefined || data instanceof Uint8Array) return '';
  return (typeof data === 'string' ? [data] : data).map(quoted).join(' ');
}

function absolute(name: string | undefined): string {
  const text = (name ?? '').replaceAll(/[^\u0021-\u007e]/gu, escapedOctet);
  return text.endsWith('.') ? text : `${text}.`;
}

function quoted(text: string): string {
  const escaped = text.replaceAll(/["\\]/gu, String.raw`\$&`).replaceAll(/\p{Cc}/gu, escapedOctet);
  return `"${escaped}"`;
}

function escapedOctet(char: string): string {
  return `\\${String(char.codePointAt(0)).padStart(3, '0')}`;
}

/** RDATA of any type. Source: RFC 3597 5. */
export function genericText(data: Uint8Array): string {
  const hex = Array.from(data, (octet) => octet.toString(16).padStart(2, '0')).join('');
  return data.length === 0 ? String.raw`\# 0` : String.raw`\# ${data.length} ${hex}`;
}
