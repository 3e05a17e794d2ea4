/**
 * Wildcard addresses on a host with several addresses of both families, a link-local one among them: each is asked, and
 * answers leave from the address that was asked. The host is a network namespace (unshare and ip).
 */
import { expect, test } from 'vitest';
import { runProgram } from '../support/child-program.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';

const V4 = ['198.51.100.1', '198.51.100.2'];
const V6 = ['2001:db8::1', '2001:db8::2', '2001:db8:1::1'];
/** Whoever is not root is, within a user namespace. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--map-root-user'];
/** Of an interface that is not the loopback one, so that its scope counts. */
const LINK_LOCAL = 'fe80::57%weir0';

test('answers leave from the address that was asked, of both families', async () => {
  const setUp = [
    'set -e',
    'ip link set lo up',
    'ip link add weir0 type veth peer name weir1',
    'ip link set weir1 up',
    'ip link set weir0 up',
    ...V4.map((address) => `ip address add ${address}/24 dev weir0`),
    ...V6.map((address) => `ip -6 address add ${address}/64 dev weir0 nodad`),
    `ip -6 address add ${LINK_LOCAL.split('%')[0]!}/64 dev weir0 nodad`,
    'exec "$@"',
  ].join('\n');
  const addresses = ['127.0.0.1', ...V4, '::1', ...V6, LINK_LOCAL];
  const program = [process.execPath, `${PROJECT_ROOT}/test/support/wildcard-host.ts`, ...addresses];
  const { code, stdout, stderr } = await runProgram('unshare', [
    ...AS_ROOT,
    '--net',
    'sh',
    '-c',
    setUp,
    'sh',
    ...program,
  ]);
  expect([code, stderr]).toEqual([0, '']);
  const said = JSON.parse(stdout) as { answers: Record<string, string[]>; batches: number };
  expect(said.answers).toEqual(Object.fromEntries(addresses.map((address) => [address, ['192.0.2.53']])));
  expect(said.batches).toBe(1);
});
