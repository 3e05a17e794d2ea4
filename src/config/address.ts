/**
 * Reads the addresses that people write in a configuration: sockets, upstreams, prefixes. Each reader returns the
 * parsed value or a sentence that says what is wrong and what to write instead. Host names are refused everywhere: a
 * resolver that needs a resolver to start does not start.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { SocketAddress, UpstreamConfig } from './config.ts';

export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly message: string };

/** Among the upstreams: a recursor on this machine that Weir starts. Also its metric label. */
export const RECURSIVE = 'recursive';
const PORT_MAX = 65_535;
const DNS_PORT = 53;
const TLS_PORT = 853;
const HTTPS_PORT = 443;
const DNS_PATH = '/dns-query';
const PINS_MAX = 8;
/** SHA-256 in base64. */
const PIN = /^[A-Za-z0-9+/]{43}=$/;
const SERVER_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

function bad(message: string): { readonly kind: 'bad'; readonly message: string } {
  return { kind: 'bad', message };
}

function ok<T>(value: T): { readonly kind: 'ok'; readonly value: T } {
  return { kind: 'ok', value };
}

/** Reads `127.0.0.1:53` or `[::1]:53`. Port 0 lets the system choose. */
export function parseSocketAddress(text: string): Parsed<SocketAddress> {
  const example = 'expected ADDRESS:PORT, e.g. "127.0.0.1:1053" or "[::1]:1053"';
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) {
    if (isIPv6(text) || /^[0-9a-f:]*:[0-9a-f:]*:\d+$/i.test(text)) {
      return bad(`"${text}": an IPv6 address goes in brackets, with the port behind: "[::1]:1053"`);
    }
    return bad(isIPv4(text) ? `"${text}" has no port; ${example}` : `"${text}": ${example}`);
  }
  const host = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  if (match[1] === undefined ? !isIPv4(host) : !isIPv6(host)) {
    return bad(`"${host}" is not an IP address; names are not looked up here; ${example}`);
  }
  return port > PORT_MAX ? bad(`port ${port} is larger than ${PORT_MAX}`) : ok({ host, port });
}

/** Reads `udp://192.0.2.1`, `tcp://[2001:db8::1]:5353`; the port is 53 where none is given. Or the word `recursive`. */
export function parseUpstream(text: string): Parsed<UpstreamConfig> {
  if (text === RECURSIVE) return ok({ url: text, protocol: 'udp', host: '127.0.0.1', port: 0 });
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text);
  if (match === null) {
    return bad(
      isIP(text) === 0
        ? `"${text}": expected e.g. "udp://192.0.2.1:53" or "tcp://[2001:db8::1]:53"`
        : `"${text}": write the protocol too, e.g. "udp://${isIPv6(text) ? `[${text}]` : text}"`,
    );
  }
  const protocol = (match[1] ?? '').toLowerCase();
  const rest = match[2] ?? '';
  if (protocol === 'tls' || protocol === 'https') return parseEncryptedUpstream(text);
  if (protocol !== 'udp' && protocol !== 'tcp')
    return bad(`"${protocol}://" is no upstream protocol; udp://, tcp://, tls:// or https://`);
  const withPort = isIPv4(rest) || /^\[[^\]]*\]$/.test(rest) ? `${rest}:${DNS_PORT}` : rest;
  const address = parseSocketAddress(isIPv6(withPort) ? `[${withPort}]:${DNS_PORT}` : withPort);
  if (address.kind === 'bad') return address;
  if (address.value.port === 0) return bad(`"${text}": port 0 is no port to send to`);
  return ok({ url: text, protocol, host: address.value.host, port: address.value.port });
}

/**
 * Reads `tls://dns.example@192.0.2.1:853` and `https://dns.example@192.0.2.1/dns-query`; behind `#pin=`, public keys. The
 * name is the one in the certificate; it is never looked up.
 */
function parseEncryptedUpstream(text: string): Parsed<UpstreamConfig> {
  const match = /^(tls|https):\/\/(?:([^@/#]*)@)?(\[[^\]]*\]|[^/#[\]]*?)(:\d{1,5})?(\/[^#]*)?(?:#pin=(.*))?$/i.exec(
    text,
  );
  const example = 'expected e.g. "tls://dns.example@192.0.2.1:853" or "https://dns.example@192.0.2.1/dns-query"';
  if (match === null) return bad(`"${text}": ${example}`);
  const protocol = match[1]?.toLowerCase() === 'tls' ? 'tls' : 'https';
  const [, , serverName, host = '', port, path, pinText] = match;
  const address = parseSocketAddress(`${host}${port ?? `:${protocol === 'tls' ? TLS_PORT : HTTPS_PORT}`}`);
  if (address.kind === 'bad') {
    return isIP(host) === 0 && /[a-z]/i.test(host)
      ? bad(`"${host}" is not an IP address; names are not looked up here; write ${protocol}://${host}@ADDRESS`)
      : address;
  }
  if (address.value.port === 0) return bad(`"${text}": port 0 is no port to send to`);
  if (serverName !== undefined && !SERVER_NAME.test(serverName)) return bad(`"${serverName}" is not a host name`);
  if (protocol === 'tls' && path !== undefined) return bad(`"${text}": tls:// has no path`);
  if (path !== undefined && !/^\/[\x21-\x7e]*$/.test(path)) return bad(`"${path}" is no path of a URL`);
  const pins = pinText?.split(',') ?? [];
  const wrong = pins.find((pin) => !PIN.test(pin));
  if (wrong !== undefined) return bad(`"${wrong}" is no SHA-256 in base64 (44 characters)`);
  if (pins.length > PINS_MAX) return bad(`more than ${PINS_MAX} pinned keys`);
  return ok({
    url: text,
    protocol,
    host: address.value.host,
    port: address.value.port,
    pins,
    ...(serverName === undefined ? {} : { serverName }),
    ...(protocol === 'https' ? { path: path ?? DNS_PATH } : {}),
  });
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or one address; returns it with its length written out. */
export function parsePrefix(text: string): Parsed<string> {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const bits = isIPv4(address) ? 32 : 128;
  if (isIP(address) === 0 || address.includes('%')) {
    return bad(`"${text}": expected a prefix, e.g. "10.0.0.0/8" or "2001:db8::/32"`);
  }
  if (slash < 0) return ok(`${address}/${bits}`);
  const length = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) {
    return bad(`"${text}": the prefix length of this address is a number from 0 to ${bits}`);
  }
  return ok(`${address}/${Number(length)}`);
}

/** Whether the address can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return isIPv4(host) ? host.startsWith('127.') : /^(?:0{0,4}:){2,7}0{0,3}1$|^::ffff:127\./i.test(host);
}

/** Whether the address stands for every address of its family. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}
