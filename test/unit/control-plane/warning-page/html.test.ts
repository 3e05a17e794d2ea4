import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, html } from '../../../../src/control-plane/warning-page/html.ts';

describe('the html template', () => {
  it('escapes values and leaves its own markup', () => {
    expect(html`<p title="${'"x"'}">${'<b>'}${html`<i>${1}</i>`}</p>`.markup).toBe(
      '<p title="&quot;x&quot;">&lt;b&gt;<i>1</i></p>',
    );
  });

  it('joins several pieces', () => {
    const items = ['a', '<'].map((item) => html`<li>${item}</li>`);
    expect(html`<b>${items}</b>`.markup).toBe('<b><li>a</li><li>&lt;</li></b>');
  });

  it('leaves nothing in a value that could open a tag, end an attribute or start an entity', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const escaped = escapeHtml(value);
        return !/[<>"']/.test(escaped) && !/&(?!(?:amp|lt|gt|quot|#39);)/.test(escaped);
      }),
    );
  });
});
