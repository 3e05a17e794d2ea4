import { describe, expect, it } from 'vitest';
import {
  type DohRequest,
  type DohRequestHead,
  readDohRequest,
  TARGET_BYTES_MAX,
} from '../../../../src/data-plane/listener/doh-request.ts';

const MESSAGE = Uint8Array.from({ length: 13 }, (_, index) => index * 17);
const TEXT = Buffer.from(MESSAGE).toString('base64url');
const POST = { method: 'POST', contentType: 'application/dns-message' };

function read(fields: Partial<DohRequestHead>): DohRequest {
  return readDohRequest({
    method: 'GET',
    target: `/dns-query?dns=${TEXT}`,
    accept: undefined,
    contentType: undefined,
    contentLength: undefined,
    ...fields,
  });
}

const outcome = (request: DohRequest): number | string => (request.kind === 'fault' ? request.status : request.kind);

describe('a GET', () => {
  it.each([
    `/dns-query?dns=${TEXT}`,
    `/dns-query?x=1&dns=${TEXT}`,
    `/dns-query?dns=${TEXT}&y`,
    `/dns-query?d%6es=${TEXT}`,
    `/dns-query?dns=%41${TEXT.slice(1)}`,
  ])('brings the message of %s', (target) => {
    expect(read({ target })).toEqual({ kind: 'message', message: Buffer.from(MESSAGE), isHead: false });
  });

  it('takes all of the alphabet of base64url', () => {
    const message = Buffer.from('fbefbefbfffffffffffffffe', 'hex');
    const text = message.toString('base64url');
    expect(text).toMatch(/-/);
    expect(text).toMatch(/_/);
    expect(read({ target: `/dns-query?dns=${text}` })).toMatchObject({ message });
  });

  it.each([
    ['nothing asked', '/dns-query'],
    ['an empty parameter', '/dns-query?dns='],
    ['another parameter', `/dns-query?name=${TEXT}`],
    ['two messages', `/dns-query?dns=${TEXT}&dns=${TEXT}`],
    ['padding', `/dns-query?dns=${Buffer.alloc(13).toString('base64')}`],
    ['base64, not base64url', `/dns-query?dns=${TEXT.slice(0, 10)}+/${TEXT.slice(12)}`],
    ['an octet and a half', `/dns-query?dns=${TEXT.slice(0, 17)}`],
    ['a space', `/dns-query?dns=${TEXT}%20`],
    ['fewer octets than a header', `/dns-query?dns=${Buffer.alloc(11).toString('base64url')}`],
  ])('with %s is a bad request', (_, target) => {
    expect(outcome(read({ target }))).toBe(400);
  });

  it.each(['/', '/dns-query/', '/dns-queryx?dns=AA', '/DNS-QUERY', '//dns-query', '*', 'https://x/dns-query', ''])(
    'of %s finds nothing',
    (target) => {
      expect(outcome(read({ target }))).toBe(404);
    },
  );

  it('with a target that is too long is sent to POST', () => {
    const target = `/dns-query?dns=${'A'.repeat(TARGET_BYTES_MAX)}`;
    expect(outcome(read({ target }))).toBe(414);
    expect(outcome(read({ target: target.slice(0, TARGET_BYTES_MAX - 1) }))).toBe('message');
  });
});

describe('HEAD', () => {
  it('is a GET whose response has no content', () => {
    expect(read({ method: 'HEAD' })).toMatchObject({ kind: 'message', isHead: true });
  });
});

describe('a POST', () => {
  it.each([
    'application/dns-message',
    'Application/DNS-Message',
    'application/dns-message; charset=x',
    ' application/dns-message ',
  ])('of %s will have a body', (contentType) => {
    expect(read({ ...POST, target: '/dns-query', contentType })).toEqual({ kind: 'body' });
  });

  it.each([undefined, '', 'text/plain', 'application/dns-json', 'application/dns-message2'])(
    'of type %s is not supported',
    (contentType) => {
      expect(outcome(read({ ...POST, contentType }))).toBe(415);
    },
  );

  it('that says it is longer than a message can be is refused before it is sent', () => {
    expect(outcome(read({ ...POST, contentLength: '65535' }))).toBe('body');
    expect(outcome(read({ ...POST, contentLength: '65536' }))).toBe(413);
  });
});

describe('other methods', () => {
  it.each(['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'get', ''])('%s is not allowed', (method) => {
    expect(outcome(read({ method }))).toBe(405);
  });
});

describe('Accept', () => {
  it.each([
    'application/dns-message',
    '*/*',
    'application/*',
    'text/html, application/dns-message;q=0.1',
    'text/html,*/*;q=0.8',
    '',
  ])('%s takes a DNS message', (accept) => {
    expect(outcome(read({ accept }))).toBe('message');
  });

  it.each([
    'application/dns-json',
    'text/html',
    'application/dns-message;q=0',
    'application/dns-message; q=0.000, text/plain',
  ])('%s does not', (accept) => {
    expect(outcome(read({ accept }))).toBe(406);
    expect(outcome(read({ ...POST, accept }))).toBe(406);
  });
});
