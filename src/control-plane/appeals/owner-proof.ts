/**
 * Looks whether the owner of a name has published an appeal's token: in a TXT record below the name, or in a file on its
 * server. Asked of the upstreams, so that the block that is appealed against has no say in it.
 */
import { isDeepStrictEqual } from 'node:util';
import { RecordType } from '../../dns/iana.ts';
import { clientOctets } from '../../policy/address.ts';
import { isInternalAddress } from '../list-sync/sources/redirect-guard.ts';
import { fetchProofFile, type FileTarget } from './proof-file.ts';
import { askUpstreams, type Upstreams } from './upstream-question.ts';

const PROOF_LABEL = '_weir-appeal';
/** Of the name's own, that are tried. */
const ADDRESSES_MAX = 2;

export interface ProofOptions {
  readonly upstreams: Upstreams;
  /** Addresses that no owner's server has: the warning page's own. */
  readonly sinkhole: readonly string[];
  /** For tests. */
  readonly isInternal?: (address: string) => boolean;
  readonly ports?: FileTarget['ports'];
}

/** Errors: none; what cannot be asked is not proved. */
export async function isProved(
  name: string,
  token: string,
  by: 'dns' | 'http',
  options: ProofOptions,
): Promise<boolean> {
  return by === 'dns' ? isInDns(name, token, options) : isOnServer(name, token, options);
}

async function isInDns(name: string, token: string, { upstreams }: ProofOptions): Promise<boolean> {
  const texts = await askUpstreams(upstreams, `${PROOF_LABEL}.${name}`, RecordType.TXT);
  // A token has no character that a master file would escape; it may come in several strings.
  return texts?.some((text) => text.replaceAll(/["\s]/g, '') === token) ?? false;
}

async function isOnServer(name: string, token: string, options: ProofOptions): Promise<boolean> {
  const { upstreams, sinkhole, isInternal = isInternalAddress, ports } = options;
  const found = await Promise.all([RecordType.A, RecordType.AAAA].map((type) => askUpstreams(upstreams, name, type)));
  const own = sinkhole.map(clientOctets);
  // Why: whoever runs the name's servers could else make Weir ask, with its own address, what only Weir can reach.
  const usable = (address: string): boolean => {
    const octets = clientOctets(address);
    return octets !== undefined && !isInternal(address) && !own.some((one) => isDeepStrictEqual(one, octets));
  };
  const addresses = found.flatMap((ofFamily) => ofFamily ?? []).filter(usable);
  for (const address of addresses.slice(0, ADDRESSES_MAX)) {
    const text = await fetchProofFile({ name, address, ...(ports === undefined ? {} : { ports }) });
    if (text?.trim() === token) return true;
  }
  return false;
}
