/**
 * Debian's Chromium for tests, without a window: a profile and a home of its own, the fixtures' authority among those it
 * trusts, and Weir as its only resolver, over HTTPS. So the addresses it connects to are Weir's answers, and no rights are
 * needed to give it a resolver. Driven by playwright-core, which has its home in this folder; ended by its process id.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { type RunningProgram, runProgram, startProgram } from '../support/child-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { fixturePath } from '../support/tls-fixture.ts';

const PROGRAM = 'chromium';
/** What Debian installs it as is a script that reads /etc/chromium.d; `exec` keeps the process id. */
const ARGUMENTS = [
  '--headless=new',
  // Why: it refuses to run as root with it, and continuous integration runs as root in a container.
  '--no-sandbox',
  '--disable-gpu',
  '--hide-scrollbars',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--password-store=basic',
  '--font-render-hinting=none',
  '--remote-debugging-port=0',
  'about:blank',
];

/**
 * No connections ahead of what is opened ("preload pages: none"). Why: Chromium begins one when a navigation begins, and the
 * page's own is a second one where that has already been refused: how many there are would be chance.
 */
const PREFERENCES = { net: { network_prediction_options: 2 } };

export interface RunningChromium {
  readonly browser: Browser;
  readonly program: RunningProgram;
  stop(): Promise<void>;
}

/** A home whose NSS database trusts the fixtures' authority; where Chromium looks on Linux. */
async function homeThatTrusts(folder: string): Promise<void> {
  const database = join(folder, '.pki/nssdb');
  mkdirSync(database, { recursive: true });
  const run = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await runProgram('certutil', ['-d', `sql:${database}`, ...args]);
    if (code !== 0) throw new Error(`certutil ${args.join(' ')}: ${stderr}`);
  };
  await run('-N', '--empty-password');
  await run('-A', '-n', 'fixtures', '-t', 'C,,', '-i', fixturePath('ca.pem'));
}

/** How a DoH template says that queries go by GET (RFC 8484 4.1); without it they go by POST. */
export const BY_GET = '{?dns}';

/**
 * Starts it with Weir's DoH listener on `dohPort` as its resolver, without another to fall back on.
 * @param variables behind the path of the template
 */
export async function startChromium(dohPort: number, variables: '' | typeof BY_GET = ''): Promise<RunningChromium> {
  const home = temporaryFolder('chromium');
  await homeThatTrusts(home);
  const profile = join(home, 'profile');
  mkdirSync(join(profile, 'Default'), { recursive: true });
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(PREFERENCES));
  const dns_over_https = { mode: 'secure', templates: `https://127.0.0.1:${dohPort}/dns-query${variables}` };
  writeFileSync(join(profile, 'Local State'), JSON.stringify({ dns_over_https }));
  const program = await startProgram(
    PROGRAM,
    [`--user-data-dir=${profile}`, ...ARGUMENTS],
    (output) => endpointIn(output) !== undefined,
    { env: { HOME: home, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined, DBUS_SESSION_BUS_ADDRESS: undefined } },
  );
  const browser = await chromium.connectOverCDP(endpointIn(program.output())!);
  return {
    browser,
    program,
    stop: async () => {
      await browser.close();
      await program.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function endpointIn(output: string): string | undefined {
  return /^DevTools listening on (ws:\S+)$/m.exec(output)?.[1];
}
