/** The floor of the runtime: Weir's own UDP listener in batches, with a handler that only sets QR. */
import type { Peer } from './peer.ts';

export const echoNode: Peer = {
  name: 'echo-node',
  title: 'echo in Node (Weir’s listener without logic)',
  programs: [],
  isEcho: true,
  configuration: 'the batch listener of src/data-plane/listener, no logic',
  version: () => process.version,
  prepare: (setup) => ({
    command: process.execPath,
    args: [new URL('echo-server.ts', import.meta.url).pathname, String(setup.port)],
  }),
};
