/** The servers that a benchmark compares; adding one is a file beside this one and a line here. */
import { dnsdist, dnsdistCdb } from './dnsdist.ts';
import { dnsmasq } from './dnsmasq.ts';
import { echoC } from './echo-c.ts';
import { echoNode } from './echo-node.ts';
import type { Peer } from './peer.ts';
import { powerdnsRecursor } from './powerdns-recursor.ts';
import { unboundLocalZone, unboundRpz } from './unbound.ts';
import { weir } from './weir.ts';

export const PEERS: readonly Peer[] = [
  weir,
  echoC,
  echoNode,
  dnsdist,
  dnsdistCdb,
  powerdnsRecursor,
  unboundLocalZone,
  unboundRpz,
  dnsmasq,
];
