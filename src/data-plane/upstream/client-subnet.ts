/**
 * The Client Subnet option that goes upstream with every query, where the operator has set one: always the same prefix,
 * of the operator's network, so that content networks answer for it and the cache holds one answer for all. What clients
 * say of their subnet is never passed on and never echoed. RFC 7871.
 */
import type { Config } from '../../config/config.ts';
import { clientSubnetOption } from '../../dns/edns.ts';
import { addressOctets } from '../../policy/address.ts';
import type { QueryEdns } from './query-message.ts';

/** The settings under `edns` as queries upstream carry them. */
export function queryEdnsOf({ udpPayloadBytes, clientSubnet }: Config['edns']): QueryEdns {
  return { udpPayloadBytes, clientSubnet: clientSubnetOf(clientSubnet) };
}

/**
 * The option for `edns.clientSubnet`; undefined: none is sent.
 * Errors: throws on a prefix that configuration loading should have refused.
 */
export function clientSubnetOf(setting: string): Uint8Array | undefined {
  if (setting === 'strip') return undefined;
  const [address = '', bits] = setting.split('/');
  const octets = addressOctets(address);
  if (octets === undefined) throw new Error(`not an address prefix: ${setting}`);
  return clientSubnetOption(octets, Number(bits));
}
