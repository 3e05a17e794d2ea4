/**
 * dnsdist with batched system calls and an ample packet cache, in the two ways its users block a long list: names in
 * memory (SuffixMatchNode), and a constant database on disk. It needs one local address a thread.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeConstantDatabase } from '../constant-database.ts';
import { SINKHOLE_ADDRESS, SINKHOLE_TTL_SECONDS, writePlain } from '../list-files.ts';
import { findProgram, versionOf } from '../machine.ts';
import type { Launch, Peer, PeerSetup } from './peer.ts';

const CACHE_ENTRIES = 2_000_000;
const MESSAGES_A_CALL = 64;
/** As much as Weir asks for itself. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
const SPOOF = `SpoofAction({"${SINKHOLE_ADDRESS}"}, {ttl=${SINKHOLE_TTL_SECONDS}})`;

/** Lines for its configuration with listeners for DoT and DoH on these ports. */
export function encryptedListeners(dotPort: number, dohPort: number, certificate: string, key: string): string {
  return `addTLSLocal("127.0.0.1:${dotPort}", "${certificate}", "${key}")
addDOHLocal("127.0.0.1:${dohPort}", "${certificate}", "${key}", {"/dns-query"})
`;
}

/** dnsdist with a rule that blocks; `more`: lines of a case's own. */
function configure(setup: PeerSetup, rule: string, more = ''): Launch {
  const local = `addLocal("127.0.0.1:${setup.port}", {reusePort=true})\n`;
  const file = join(setup.folder, 'dnsdist.conf');
  writeFileSync(
    file,
    `setSecurityPollSuffix("")
setUDPMultipleMessagesVectorSize(${MESSAGES_A_CALL})
setMaxUDPOutstanding(65535)
setUDPSocketBufferSizes(${SOCKET_BUFFER_BYTES}, ${SOCKET_BUFFER_BYTES})
${local.repeat(setup.threads)}newServer({address="127.0.0.1:${setup.upstreamPort}", useClientSubnet=false}):setUp()
getPool(""):setCache(newPacketCache(${CACHE_ENTRIES}, {maxTTL=86400, numberOfShards=20}))
${rule}
${more}`,
  );
  return { command: findProgram('dnsdist')!, args: ['--supervised', '--disable-syslog', '-C', file] };
}

const common = {
  programs: ['dnsdist'],
  isEcho: false,
  version: () => versionOf('dnsdist', ['--version'], /dnsdist (\S+)/),
};

/** dnsdist with the names in memory; `more`: lines of a case's own. */
export function prepareDnsdist(setup: PeerSetup, more = ''): Launch {
  const list = join(setup.folder, 'list.txt');
  writePlain(list, setup.list);
  const rule = `local names = newSuffixMatchNode()
for line in io.lines("${list}") do names:add(newDNSName(line)) end
addAction(SuffixMatchNodeRule(names), ${SPOOF})`;
  return configure(setup, rule, more);
}

export const dnsdist: Peer = {
  ...common,
  name: 'dnsdist',
  title: 'dnsdist',
  configuration: `SuffixMatchNode, ${MESSAGES_A_CALL} messages a system call, packet cache of ${CACHE_ENTRIES} entries`,
  prepare: (setup) => prepareDnsdist(setup),
};

export const dnsdistCdb: Peer = {
  ...common,
  name: 'dnsdist-cdb',
  title: 'dnsdist (CDB)',
  configuration: `as dnsdist, but the names in a constant database, looked up by suffix`,
  prepare: (setup) => {
    const database = join(setup.folder, 'list.cdb');
    writeConstantDatabase(database, setup.list);
    return configure(
      setup,
      `local names = newCDBKVStore("${database}", 3600)
addAction(KeyValueStoreLookupRule(names, KeyValueLookupKeySuffix(2)), ${SPOOF})`,
    );
  },
};
