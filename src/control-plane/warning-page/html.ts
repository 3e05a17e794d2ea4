/**
 * Markup that cannot be injected into: the `html` template escapes every value that is not itself made by it. There is
 * no other way to make a SafeHtml.
 */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export class SafeHtml {
  readonly markup: string;

  private constructor(markup: string) {
    this.markup = markup;
  }

  /** Called by the `html` template. */
  static fromTemplate(parts: readonly string[], values: readonly HtmlValue[]): SafeHtml {
    return new SafeHtml(parts.map((part, index) => part + markupOf(values[index] ?? '')).join(''));
  }
}

export type HtmlValue = string | number | SafeHtml | readonly SafeHtml[];

function markupOf(value: HtmlValue): string {
  if (value instanceof SafeHtml) return value.markup;
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map((item) => item.markup).join('');
}

/** Text as markup that shows that text, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** Template tag: literal parts are markup, values are text unless they are SafeHtml. */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): SafeHtml {
  return SafeHtml.fromTemplate(parts, values);
}
