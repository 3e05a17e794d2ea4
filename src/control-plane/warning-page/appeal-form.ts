/**
 * The form for an objection, as HTML without scripts: every field has a label, its limits in words, and what was wrong
 * with it beside it (WCAG 2.2, 1.3.1, 3.3.1, 3.3.2). What was written comes back when the form was not taken, as text.
 */
import {
  CONTACT_CHARACTERS_MAX,
  CONTACT_CHARACTERS_MIN,
  EVIDENCE_CHARACTERS_MAX,
  REASON_CHARACTERS_MAX,
  REASON_CHARACTERS_MIN,
} from '../ledger/appeal-check.ts';
import { APPELLANTS } from '../ledger/appeal.ts';
import type { AppealFields } from './appeal-body.ts';
import { APPEAL_PATH } from './appeal-path.ts';
import type { BlockedHost } from './blocked-host.ts';
import { SafeHtml, html } from './html.ts';
import { hostSection, pageDocument, type Page } from './page-html.ts';

/** What may be wrong with an objection: the texts are `appeal.problem.*`. */
export type AppealProblem =
  | 'badWho'
  | 'badContact'
  | 'badReason'
  | 'badEvidence'
  | 'badForm'
  | 'tooManyOfEntry'
  | 'tooManyOfList'
  | 'tooManyOfClient'
  | 'closed'
  | 'unavailable';

export interface FormContent {
  readonly blocked: BlockedHost;
  readonly fields: Omit<AppealFields, 'by'>;
  readonly problem: AppealProblem | undefined;
  readonly retentionDays: number;
}

/** The field that a problem is about. */
const FIELD_OF: Readonly<Partial<Record<AppealProblem, string>>> = {
  badWho: 'who',
  badContact: 'contact',
  badReason: 'reason',
  badEvidence: 'evidence',
};

export function appealFormPage(page: Page, { blocked, fields, problem, retentionDays }: FormContent): string {
  const { words, language } = page;
  const title = words('objection.title');
  const content = html`<main>
    <div class="banner">
      <h1>${title}</h1>
      <p>${words('appeal.lead')}</p>
    </div>
    <div class="body">
      ${alert(page, problem)}${hostSection(page, blocked)}
      <form method="post" action="${APPEAL_PATH}?lang=${language}" accept-charset="utf-8">
        ${whoField(page, fields.who, problem)}
        ${textField(
          page,
          'contact',
          problem,
          (attributes) =>
            html`<input
              type="text"
              name="contact"
              autocomplete="email"
              required
              minlength="${CONTACT_CHARACTERS_MIN}"
              maxlength="${CONTACT_CHARACTERS_MAX}"
              value="${cut(fields.contact, CONTACT_CHARACTERS_MAX)}"
              ${attributes}
            />`,
        )}
        ${textField(
          page,
          'reason',
          problem,
          (attributes) =>
            html`<textarea
              name="reason"
              rows="7"
              required
              minlength="${REASON_CHARACTERS_MIN}"
              maxlength="${REASON_CHARACTERS_MAX}"
              ${attributes}
            >
${lines(fields.reason)}</textarea>`,
        )}
        ${textField(
          page,
          'evidence',
          problem,
          (attributes) =>
            html`<input
              type="url"
              name="evidenceUrl"
              dir="ltr"
              maxlength="${EVIDENCE_CHARACTERS_MAX}"
              value="${cut(fields.evidenceUrl, EVIDENCE_CHARACTERS_MAX)}"
              ${attributes}
            />`,
        )}
        <p>
          <input type="hidden" name="key" value="${fields.key}" />
          <input type="hidden" name="incident" value="${fields.incident}" />
          <button>${words('appeal.send')}</button>
        </p>
      </form>
      <p><a href="/?lang=${language}" rel="nofollow">${words('appeal.back')}</a></p>
    </div>
  </main>`;
  const shownTitle = problem === undefined ? title : `${words('appeal.problem.title')}: ${title}`;
  return pageDocument(page, shownTitle, content, words('appeal.privacy', { days: String(retentionDays) }));
}

/** Beyond the limit it is not taken, and need not come back whole. */
function cut(text: string, charactersMax: number): string {
  return text.slice(0, charactersMax).toWellFormed();
}

/** Why as character references: the document drops white space at the beginning of its lines. */
function lines(text: string): readonly SafeHtml[] {
  const [first = '', ...rest] = cut(text.replaceAll(/\r\n?/g, '\n'), REASON_CHARACTERS_MAX).split('\n');
  return [html`${first}`, ...rest.map((line) => html`&#10;${line}`)];
}

function alert({ words }: Page, problem: AppealProblem | undefined): SafeHtml {
  if (problem === undefined) return html``;
  const field = FIELD_OF[problem];
  const text = words(`appeal.problem.${problem}`);
  return html`<div class="alert" role="alert">
    <h2>${words('appeal.problem.title')}</h2>
    <p>${field === undefined ? text : html`<a href="#${field}">${text}</a>`}</p>
  </div>`;
}

function whoField({ words }: Page, who: string, problem: AppealProblem | undefined): SafeHtml {
  const choices = APPELLANTS.map((value, index) => {
    const id = index === 0 ? 'who' : `who-${value}`;
    const checked = value === who ? html`checked` : html``;
    return html`<div class="choice">
      <input type="radio" name="who" id="${id}" value="${value}" required ${checked} />
      <label for="${id}">${words(`appeal.who.${value}`)}</label>
    </div>`;
  });
  return html`<fieldset>
    <legend>${words('appeal.who.label')}</legend>
    ${choices}${problem === 'badWho' ? html`<p class="wrong">${words('appeal.problem.badWho')}</p>` : html``}
  </fieldset>`;
}

function textField(
  { words }: Page,
  name: 'contact' | 'reason' | 'evidence',
  problem: AppealProblem | undefined,
  control: (attributes: SafeHtml) => SafeHtml,
): SafeHtml {
  const isWrong = problem !== undefined && FIELD_OF[problem] === name;
  const wrong = isWrong ? html`<p class="wrong" id="${name}-wrong">${words(`appeal.problem.${problem}`)}</p>` : html``;
  const described = isWrong ? `${name}-wrong ${name}-hint` : `${name}-hint`;
  const invalid = isWrong ? html`aria-invalid="true"` : html``;
  return html`<div>
    <label for="${name}">${words(`appeal.${name}.label`)}</label>
    <p class="hint" id="${name}-hint">${words(`appeal.${name}.hint`)}</p>
    ${wrong}${control(html`id="${name}" aria-describedby="${described}" ${invalid}`)}
  </div>`;
}
