/**
 * A program for wildcard.test.ts, run in a network namespace of its own with the addresses to ask: starts Weir on the
 * wildcard addresses of both families, asks each address for a listed name, and prints as JSON what was answered. A
 * connected socket takes answers from the address it asks alone.
 */
import { encodeQuery } from '../../src/dns/codec.ts';
import { closeClients, decoded, UdpClient } from './dns-client.ts';
import { startWeirProcess, stopAllWeirs } from './weir-process.ts';

const QTYPE_A = 1;
const weir = await startWeirProcess({
  files: { 'list.txt': 'bad.example\n' },
  config: {
    listen: { do53: ['0.0.0.0:0', '[::]:0'], admin: '127.0.0.1:0' },
    lists: [{ name: 'a', source: 'list.txt' }],
    clients: { allow: ['0.0.0.0/0', '::/0'] },
  },
});
const answers: Record<string, readonly string[]> = {};
for (const [index, address] of process.argv.slice(2).entries()) {
  const port = weir.do53.find(({ host }) => host.includes(':') === address.includes(':'))!.port;
  const client = await UdpClient.open(port, address);
  const response = await client.exchange(encodeQuery({ id: index + 1, name: 'bad.example', type: QTYPE_A })!);
  answers[address] = decoded(response).answers.map(({ data }) => data);
}
process.stdout.write(`${JSON.stringify({ answers, batches: await weir.metric('weir_batch_io', 'mode="batch"') })}\n`);
closeClients();
await stopAllWeirs();
