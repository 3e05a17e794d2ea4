import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.ts';
import { contrastRatio } from '../../../src/config/page-colours.ts';
import { LOGO_BYTES_MAX } from '../../../src/config/warning-page-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fixturePath } from '../../support/tls-fixture.ts';

const folder = temporaryFolder('page-config');
const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return name;
}

function pipe(name: string): string {
  execFileSync('mkfifo', [join(folder, name)]);
  return name;
}

function parse(value: unknown) {
  return parseConfig(JSON.stringify(value), folder, ['192.0.2.53']);
}

function problemsOf(warningPage: unknown, listen: unknown = {}): string[] {
  const outcome = parse({ warningPage, listen });
  return outcome.kind === 'ok' ? [] : outcome.problems.map(({ path, message }) => `${path}: ${message}`);
}

function pageOf(warningPage: unknown) {
  const outcome = parse({ warningPage });
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome.problems));
  return outcome.config.warningPage;
}

describe('the contrast of two colours', () => {
  it('is what WCAG 2.2 calculates', () => {
    expect(contrastRatio('#ffffff', '#000000')).toBeCloseTo(21, 5);
    expect(contrastRatio('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(contrastRatio('#ffffff', '#777777')).toBeCloseTo(4.48, 2);
  });
});

describe('the colours of the warning page', () => {
  it('are refused where text could not be read, with both colours and the figure', () => {
    expect(problemsOf({ colours: { banner: '#cccccc' } })).toEqual([
      expect.stringMatching(
        /^warningPage\.colours\.bannerText: #ffffff on #cccccc has a contrast of 1\.6; text needs 4\.5/,
      ),
    ]);
    expect(problemsOf({ colours: { accent: '#ffdd00' } }).join()).toContain('warningPage.colours.accent');
    expect(problemsOf({ colours: { accentDark: '#101010' } }).join()).toContain('warningPage.colours.accentDark');
  });

  it('are taken where it can', () => {
    expect(pageOf({ colours: { banner: '#004d40' } }).colours.banner).toBe('#004d40');
  });

  it.each(['red', '#fff', '#12345g', '#ffffff;}'])('are written #rrggbb: not %j', (banner) => {
    expect(problemsOf({ colours: { banner } })).toEqual([expect.stringContaining('#rrggbb')]);
  });
});

describe('the logo', () => {
  it('is embedded', () => {
    expect(pageOf({ logo: file('logo.png', PNG) }).logo).toBe(`data:image/png;base64,${PNG.toString('base64')}`);
  });

  it.each([
    ['that is not there', 'none.png', /cannot read .*none\.png: no such file/],
    // Why: the read of a pipe would wait for ever, and the start with it.
    ['that is a pipe', pipe('logo.pipe'), /is not a regular file/],
    ['that is no PNG', file('logo.svg', '<svg onload="alert(1)"/>'), /is no PNG image/],
    [
      'that is too large',
      file('large.png', Buffer.concat([PNG, Buffer.alloc(LOGO_BYTES_MAX)])),
      /is larger than 8192 bytes/,
    ],
  ])('is refused from a file %s', (_case, logo, problem) => {
    expect(problemsOf({ logo })).toEqual([expect.stringMatching(problem)]);
  });
});

describe('the texts of an operator', () => {
  it('replace what they name', () => {
    const texts = pageOf({ texts: { en: file('en.yaml', 'title: Stop\nlist.version: "no. {version}"\n') } }).texts;
    expect(texts).toEqual({ 'zh-CN': {}, en: { title: 'Stop', 'list.version': 'no. {version}' }, ug: {} });
  });

  it.each([
    ['an unknown key', 'titel: Stop', /titel: the page has no text of this name/],
    ['a placeholder missing', 'list.version: version', /list\.version: it must have these placeholders.*\{version\}/],
    ['a placeholder too many', 'title: "{name}"', /title: it must have these placeholders.*none/],
    ['no text', 'title: [a]', /title: expected a text/],
    ['no keys', '- a', /expected lines of the form/],
    ['no YAML', 'a: b: c', /not valid YAML/],
  ])('are refused with %s', (_case, content, problem) => {
    expect(problemsOf({ texts: { en: file('bad.yaml', content) } })).toEqual([expect.stringMatching(problem)]);
  });
});

describe('what else is refused', () => {
  it.each([
    [
      { hotlines: [{ label: 'x', number: 'javascript:alert(1)' }] },
      /hotlines\[0\]\.number: expected a telephone number/,
    ],
    [{ objectionUrl: 'javascript:alert(1)' }, /objectionUrl: expected https/],
    [{ blockedBy: 'https://a.example/>; rel="next"' }, /blockedBy: expected https/],
  ])('%j', (page, problem) => {
    expect(problemsOf(page)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('the authority of a managed network', () => {
  const listen = { warningPageHttps: '127.0.0.1:0' };
  const good = { caCertificate: fixturePath('ca.pem'), caKey: fixturePath('ca-key.pem') };
  const leaf = { caCertificate: fixturePath('server.pem'), caKey: fixturePath('server-key.pem') };

  it('is taken whole', () => {
    expect(problemsOf({ tls: good }, listen)).toEqual([]);
  });

  it.each([
    ['without its key', { caCertificate: good.caCertificate }, listen, /tls\.caKey: .*together/],
    ['with another key', { ...good, caKey: leaf.caKey }, listen, /is not the key of/],
    ['that is none', leaf, listen, /is not the certificate of an authority/],
    ['whose files are swapped', { caCertificate: good.caKey, caKey: good.caCertificate }, listen, /not a certificate/],
    ['that nobody would see', good, {}, /without listen\.warningPageHttps/],
  ])('is refused %s', (_case, tls, listening, problem) => {
    expect(problemsOf({ tls }, listening)).toEqual([expect.stringMatching(problem)]);
  });

  it('never shows what stands in the key', () => {
    expect(problemsOf({ tls: { ...good, caKey: file('odd.key', 'SECRET') } }, listen).join()).not.toContain('SECRET');
  });
});

describe('the event log', () => {
  it('is off, and on with a file beside the configuration', () => {
    const off = parse({});
    const on = parse({ eventLog: { file: 'events.jsonl' } });
    expect(off.kind === 'ok' && off.config.eventLog.file).toBe('');
    expect(on.kind === 'ok' && on.config.eventLog.file).toBe(join(folder, 'events.jsonl'));
  });
});
