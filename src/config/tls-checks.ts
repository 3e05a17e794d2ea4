/**
 * What the configuration says of TLS, checked: listeners that need a certificate have one, certificate and key fit each
 * other, the name is one. Runs on the raw value, as cross-checks.ts does, which calls it.
 */
import { resolve } from 'node:path';
import { nameFromText } from '../dns/name.ts';
import { isLoopback, isWildcard, parseSocketAddress } from './address.ts';
import { readCertificate } from './certificate.ts';
import type { Config } from './config.ts';
import type { Path, Report } from './cross-checks.ts';

/** A certificate that ends sooner is warned of. */
const SOON_SECONDS = 14 * 86_400;

export interface TlsCheckInput {
  readonly valueAt: (path: Path) => unknown;
  readonly folder: string;
  readonly report: Report;
}

export function checkTls({ valueAt, folder, report }: TlsCheckInput): void {
  const textAt = (key: string): string => {
    const text = valueAt(['tls', key]);
    return typeof text === 'string' ? text : '';
  };
  const [certificate, key, name] = [textAt('certificate'), textAt('key'), textAt('name')];
  if (name !== '' && (nameFromText(name) === undefined || !/^[A-Za-z0-9.-]+$/.test(name))) {
    report(['tls', 'name'], `"${name}" is no host name`);
  }
  if (certificate === '' && key === '') {
    for (const path of needingTls(valueAt)) report(path, 'needs tls.certificate and tls.key');
    return;
  }
  if (certificate === '') return report(['tls', 'certificate'], 'is needed beside tls.key');
  if (key === '') return report(['tls', 'key'], 'is needed beside tls.certificate');
  const outcome = readCertificate(resolve(folder, certificate), resolve(folder, key));
  if (outcome.kind === 'bad') report(['tls', outcome.file], outcome.message);
}

/** Key paths of listeners that speak TLS. */
function needingTls(valueAt: TlsCheckInput['valueAt']): Path[] {
  const paths: Path[] = [];
  for (const key of ['dot', 'doh'] as const) {
    const addresses = valueAt(['listen', key]);
    if (Array.isArray(addresses) && addresses.length > 0) paths.push(['listen', key]);
  }
  const admin = valueAt(['listen', 'admin']);
  const address = typeof admin === 'string' ? parseSocketAddress(admin) : undefined;
  if (address?.kind === 'ok' && !isLoopback(address.value.host)) paths.push(['listen', 'admin']);
  return paths;
}

/** What is legal and yet hardly meant. */
export function warningsAboutTls({ listen, tls }: Config, nowSeconds: number): string[] {
  if (tls.certificate === '') return [];
  const outcome = readCertificate(tls.certificate, tls.key);
  if (outcome.kind === 'bad') return [];
  const { value } = outcome;
  const warnings: string[] = [];
  const endsInDays = Math.floor((value.expiresAtSeconds - nowSeconds) / 86_400);
  if (nowSeconds >= value.expiresAtSeconds) warnings.push('tls.certificate: it has expired; clients will refuse it');
  else if (value.expiresAtSeconds - nowSeconds < SOON_SECONDS) {
    warnings.push(`tls.certificate: it expires in ${endsInDays} ${endsInDays === 1 ? 'day' : 'days'}`);
  }
  if (nowSeconds < value.beginsAtSeconds) warnings.push('tls.certificate: it is not valid yet');
  if (tls.name !== '' && !value.namesHost(tls.name)) {
    warnings.push(`tls.name: the certificate does not name ${tls.name}; clients that are told so will refuse it`);
  }
  if (listen.dot.length + listen.doh.length === 0) return warnings;
  // "the client MUST [check] that the Designated Resolver's ... certificate ... contains the IP address of the ...
  // Unencrypted DNS Resolver in a subjectAltName" (RFC 9462 4.2).
  const unnamed = listen.do53.find(({ host }) => !isWildcard(host) && !isLoopback(host) && !value.namesAddress(host));
  if (unnamed !== undefined) {
    warnings.push(
      `tls.certificate: it does not name ${unnamed.host}, so clients that find DoT and DoH by asking there (DDR) will not use them`,
    );
  }
  return warnings;
}
