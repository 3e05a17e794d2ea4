/**
 * The private page of one appeal, as HTML: what became of it, by when it is decided, and for an owner how to show that the
 * site is theirs. Whoever has the link sees it, so it repeats nothing that the applicant wrote.
 */
import type { AppealView } from '../appeal-messages.ts';
import { isOpen } from '../ledger/appeal.ts';
import { APPEAL_PATH } from './appeal-path.ts';
import { SafeHtml, html } from './html.ts';
import { hostSection, pageDocument, plainContent, type Page } from './page-html.ts';

export interface StatusContent {
  readonly appeal: AppealView;
  /** The whole address of this page. */
  readonly link: string;
  readonly secret: string;
  /** Just handed in: the link is new to the reader. */
  readonly isNew: boolean;
  readonly proof: 'failed' | undefined;
  readonly retentionDays: number;
}

const DATE_CHARACTERS = 10;

export function appealStatusPage(page: Page, content: StatusContent): string {
  const { words } = page;
  const { appeal, isNew, retentionDays } = content;
  const title = words(isNew ? 'appeal.filed.title' : 'appeal.status.title');
  const body = html`<main>
    <div class="banner"><h1>${title}</h1></div>
    <div class="body">
      ${hostSection(page, { name: appeal.name, target: undefined })}${facts(page, appeal)}
      <section>
        <h2>${words('appeal.link.label')}</h2>
        <p><a class="token" href="${content.link}" rel="noreferrer">${content.link}</a></p>
        <p>${words('appeal.link.help')}</p>
      </section>
      ${proofSection(page, content)}
    </div>
  </main>`;
  return pageDocument(page, title, body, words('appeal.privacy', { days: String(retentionDays) }));
}

/** A link that no appeal has: the same whoever asks. */
export function appealUnknownPage(page: Page): string {
  const title = page.words('appeal.unknown.title');
  return pageDocument(page, title, plainContent(title, [page.words('appeal.unknown.text')]));
}

/** Nobody can say now what became of it. */
export function appealUnavailablePage(page: Page): string {
  const title = page.words('appeal.status.title');
  return pageDocument(page, title, plainContent(title, [page.words('appeal.problem.unavailable')]));
}

function facts({ words }: Page, appeal: AppealView): SafeHtml {
  const rows: [string, SafeHtml][] = [
    [words('appeal.number.label'), html`<bdi translate="no">${appeal.id}</bdi>`],
    [words('appeal.state.label'), html`<b>${words(`appeal.state.${appeal.state}`)}</b>`],
    [words('appeal.created.label'), html`<bdi>${dateText(appeal.createdAtSeconds)}</bdi>`],
  ];
  if (isOpen(appeal)) rows.push([words('appeal.due.label'), html`<bdi>${dateText(appeal.dueAtSeconds)}</bdi>`]);
  const { decisionReason } = appeal;
  // Why not where it has expired: nobody has given that reason.
  if (decisionReason !== undefined && appeal.state !== 'expired') {
    rows.push([words('appeal.decision.label'), html`<bdi>${decisionReason}</bdi>`]);
  }
  const items = rows.map(
    ([label, value]) =>
      html`<div>
        <dt>${label}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return html`<section><dl>${items}</dl></section>`;
}

/** In UTC, as everything that Weir writes. */
function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, DATE_CHARACTERS);
}

function proofSection(page: Page, { appeal, secret, proof }: StatusContent): SafeHtml {
  const { words } = page;
  if (appeal.who !== 'owner' || !isOpen(appeal)) return html``;
  const title = html`<h2>${words('appeal.proof.title')}</h2>`;
  if (appeal.ownerProof !== 'none') {
    return html`<section>
      ${title}
      <p>${words('appeal.proof.done')}</p>
    </section>`;
  }
  const failed = proof === 'failed' ? html`<p class="alert" role="alert">${words('appeal.proof.failed')}</p>` : html``;
  return html`<section>
    ${title}${failed}
    <p>${words('appeal.proof.text')}</p>
    <p class="token" translate="no">${appeal.proofToken}</p>
    ${way(page, secret, 'dns', `_weir-appeal.${appeal.name}`)}
    ${way(page, secret, 'http', `http://${appeal.name}/.well-known/weir-appeal`)}
  </section>`;
}

function way({ language, words }: Page, secret: string, by: 'dns' | 'http', where: string): SafeHtml {
  return html`<form method="post" action="${APPEAL_PATH}/${secret}?lang=${language}">
    <p>${words(`appeal.proof.${by}`)} <bdi class="token" translate="no">${where}</bdi></p>
    <p>
      <input type="hidden" name="by" value="${by}" />
      <button>${words(`appeal.proof.check.${by}`)}</button>
    </p>
  </form>`;
}
