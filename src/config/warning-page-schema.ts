/** The keys under `warningPage`, `appeals` and `eventLog`; part of schema.ts, which says what a schema is here. */
import { z } from 'zod';
import { PAGE_COLOURS_DEFAULT } from './page-colours.ts';
import { DAY_SECONDS, MIB, WEEK_SECONDS, printable, whole } from './value-schemas.ts';

const colour = z.string().regex(/^#[0-9a-f]{6}$/i, 'a colour is written #rrggbb');
const httpUrl = printable(1000).regex(/^(?:https?:\/\/[^\s<>"]+)?$/, 'expected https://...');

export const warningPageSchema = z
  .strictObject({
    provider: printable(60).default('').describe('name shown beside the title'),
    logo: printable(4096).default('').describe('PNG file of at most 8 KiB, shown above the title'),
    colours: z
      .strictObject({
        banner: colour.default(PAGE_COLOURS_DEFAULT.banner).describe('behind the title'),
        bannerText: colour.default(PAGE_COLOURS_DEFAULT.bannerText).describe('the title'),
        accent: colour.default(PAGE_COLOURS_DEFAULT.accent).describe('links and marks'),
        accentDark: colour.default(PAGE_COLOURS_DEFAULT.accentDark).describe('the same in the dark scheme'),
      })
      .prefault({}),
    hotlines: z
      .array(
        z.strictObject({
          label: printable(60).default('').describe('whose number; "": the words for 96110 and 110'),
          number: z
            .string()
            .regex(/^\+?\d[\d ()-]{1,30}$/, 'expected a telephone number')
            .describe('who has paid already calls it; default: 96110 and 110'),
        }),
      )
      .max(4)
      .default([
        { label: '', number: '96110' },
        { label: '', number: '110' },
      ]),
    texts: z
      .strictObject({
        'zh-CN': printable(4096).default('').describe('YAML file of texts that replace those in Chinese'),
        en: printable(4096).default('').describe('the same in English'),
        ug: printable(4096).default('').describe('the same in Uyghur'),
      })
      .prefault({}),
    objectionUrl: httpUrl.default('').describe('where to object; "": the page says to contact the provider'),
    blockedBy: httpUrl.default('').describe('who blocks (RFC 7725); "": the address of the page'),
    requestsPerSecondMax: whole(0, 1_000_000).default(20).describe('of one IPv4 address or IPv6 /64; 0: no limit'),
    connectionsMax: whole(1, 100_000).default(2000).describe('beyond it the oldest waiting one is closed'),
    connectionsPerClientMax: whole(1, 100_000).default(32).describe('of one IPv4 address or IPv6 /64'),
    tls: z
      .strictObject({
        caCertificate: printable(4096).default('').describe('authority of a managed network, a PEM file'),
        caKey: printable(4096).default('').describe('its private key, a PEM file'),
        certificatesPerSecondMax: whole(1, 10_000).default(20).describe('made at most'),
      })
      .prefault({}),
  })
  .prefault({});

export const appealsSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('take objections on the warning page; somebody has to answer them'),
    expireDays: whole(1, 365).default(30).describe('past its day, an objection nobody has decided has expired'),
    retentionDays: whole(1, 3650).default(90).describe('past its end, what a person wrote is deleted'),
    perClientPerDayMax: whole(1, 10_000).default(5).describe('objections of one IPv4 address or IPv6 /64 a day'),
    statusUrl: httpUrl.default('').describe('address before private links; "": the address of the page'),
    webhookUrl: printable(1000)
      .regex(/^(?:https:\/\/[^\s<>"]+)?$/, 'expected https://...')
      .default('')
      .describe('told of each objection and decision, without what was written; "": nobody is'),
  })
  .prefault({});

export const eventLogSchema = z
  .strictObject({
    file: printable(4096).default('').describe('one JSON line a blocked query; "": off'),
    bytesMax: whole(4096, 65_536 * MIB)
      .default(64 * MIB)
      .describe('a larger file is put aside'),
    ageSecondsMax: whole(60, 4 * WEEK_SECONDS)
      .default(DAY_SECONDS)
      .describe('an older file is put aside'),
    filesMax: whole(1, 10_000)
      .default(14)
      .describe('files put aside that are kept, so many times ageSecondsMax at most'),
    samplePercent: z.number().min(0).max(100).default(100).describe('of the blocked queries, picked by chance'),
    clientAddress: z
      .enum(['hashed', 'raw', 'none'])
      .default('hashed')
      .describe('hashed: keyed, of the IPv4 address or IPv6 /64'),
    hashRotationSeconds: whole(60, 4 * WEEK_SECONDS)
      .default(DAY_SECONDS)
      .describe('a new random key after this'),
  })
  .prefault({});
