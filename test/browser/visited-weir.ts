/**
 * Weir as a provider runs it, with Chromium behind it as its subscriber: every name that the browser opens is resolved by
 * Weir, and what Weir blocks leads to Weir's own page on loopback. Only the ports are not the usual ones.
 */
import { z } from 'zod';
import { fixturePath } from '../support/tls-fixture.ts';
import { type WeirProcess, type YamlConfig, startWeirProcess } from '../support/weir-process.ts';
import { type RunningChromium, startChromium } from './chromium.ts';

export interface VisitedWeir {
  readonly weir: WeirProcess;
  readonly chromium: RunningChromium;
  /** `http://` address of the page under a name. */
  http(name: string, path?: string): string;
  /** The same by `https://`; of the name as it is. */
  https(name: string, path?: string): string;
  stop(): Promise<void>;
}

export interface VisitedWeirOptions {
  readonly files: Readonly<Record<string, string>>;
  /** Merged over the defaults, key by key at the top level. */
  readonly config: YamlConfig;
}

const readyShape = z.looseObject({ page: z.object({ port: z.int() }), pageHttps: z.object({ port: z.int() }) });

export async function startVisitedWeir({ files, config }: VisitedWeirOptions): Promise<VisitedWeir> {
  const loopback = '127.0.0.1:0';
  const weir = await startWeirProcess({
    files,
    config: {
      listen: {
        do53: [loopback],
        doh: [loopback],
        admin: loopback,
        warningPageHttp: loopback,
        warningPageHttps: loopback,
      },
      tls: { certificate: fixturePath('server.pem'), key: fixturePath('server-key.pem') },
      sinkhole: { addresses: ['127.0.0.1'], ttlSeconds: 30 },
      ...config,
    },
  });
  const { page, pageHttps } = readyShape.parse(await weir.log(({ msg }) => msg === 'ready'));
  const chromium = await startChromium(weir.dohPort);
  return {
    weir,
    chromium,
    http: (name, path = '/') => `http://${name}:${page.port}${path}`,
    https: (name, path = '/') => `https://${name}:${pageHttps.port}${path}`,
    stop: async () => {
      await chromium.stop();
      await weir.stop();
    },
  };
}
