/**
 * The words of the warning page by key, and what each must have a place for: the contract between the texts that come
 * with Weir (control-plane/warning-page/texts) and the files with which an operator replaces some of them
 * (warning-page-files.ts). Imports nothing, so that the counters may know the languages.
 */

/** Languages of the warning page; the first is for readers who name none. Metric label: append only. */
export const PAGE_LANGUAGES = ['zh-CN', 'en', 'ug'] as const;
export type PageLanguage = (typeof PAGE_LANGUAGES)[number];

/** Every text, with the placeholders (`{name}`) that it has, no more and no fewer. */
export const PAGE_TEXT_PLACEHOLDERS = {
  'language.own': [],
  'language.switch': [],
  brand: [],
  title: [],
  lead: [],
  'host.label': [],
  'host.written': [],
  'host.via': ['target'],
  'category.fraud.name': [],
  'category.fraud.explanation': [],
  'category.scam.name': [],
  'category.scam.explanation': [],
  'category.investment.name': [],
  'category.investment.explanation': [],
  'category.loan.name': [],
  'category.loan.explanation': [],
  'category.brushing.name': [],
  'category.brushing.explanation': [],
  'category.impersonation.name': [],
  'category.impersonation.explanation': [],
  'category.phishing.name': [],
  'category.phishing.explanation': [],
  'category.gambling.name': [],
  'category.gambling.explanation': [],
  'category.malware.name': [],
  'category.malware.explanation': [],
  'category.other.name': [],
  'category.other.explanation': [],
  'now.title': [],
  'now.close': [],
  'now.paid': [],
  'now.password': [],
  'now.installed': [],
  'hotline.96110': [],
  'hotline.110': [],
  'incident.label': [],
  'incident.help': [],
  'facts.title': [],
  'authority.label': [],
  'authority.unnamed': [],
  'reference.label': [],
  'basis.label': [],
  'order.authority': [],
  'order.operator': [],
  'order.subscriber': [],
  'list.label': [],
  'list.version': ['version'],
  'entry.label': [],
  'objection.title': [],
  'objection.text': [],
  'objection.form': [],
  'objection.link': [],
  'objection.other': [],
  'appeal.lead': [],
  'appeal.back': [],
  'appeal.who.label': [],
  'appeal.who.subscriber': [],
  'appeal.who.owner': [],
  'appeal.contact.label': [],
  'appeal.contact.hint': [],
  'appeal.reason.label': [],
  'appeal.reason.hint': [],
  'appeal.evidence.label': [],
  'appeal.evidence.hint': [],
  'appeal.send': [],
  'appeal.privacy': ['days'],
  'appeal.problem.title': [],
  'appeal.problem.badWho': [],
  'appeal.problem.badContact': [],
  'appeal.problem.badReason': [],
  'appeal.problem.badEvidence': [],
  'appeal.problem.badForm': [],
  'appeal.problem.tooManyOfEntry': [],
  'appeal.problem.tooManyOfList': [],
  'appeal.problem.tooManyOfClient': [],
  'appeal.problem.closed': [],
  'appeal.problem.unavailable': [],
  'appeal.filed.title': [],
  'appeal.link.label': [],
  'appeal.link.help': [],
  'appeal.status.title': [],
  'appeal.number.label': [],
  'appeal.state.label': [],
  'appeal.state.received': [],
  'appeal.state.inReview': [],
  'appeal.state.upheld': [],
  'appeal.state.rejected': [],
  'appeal.state.expired': [],
  'appeal.created.label': [],
  'appeal.due.label': [],
  'appeal.decision.label': [],
  'appeal.proof.title': [],
  'appeal.proof.text': [],
  'appeal.proof.dns': [],
  'appeal.proof.http': [],
  'appeal.proof.check.dns': [],
  'appeal.proof.check.http': [],
  'appeal.proof.done': [],
  'appeal.proof.failed': [],
  'appeal.unknown.title': [],
  'appeal.unknown.text': [],
  privacy: [],
  'neutral.title': [],
  'neutral.text': [],
  'neutral.hint': [],
  'limited.title': [],
  'limited.text': [],
} as const satisfies Record<string, readonly string[]>;

export type PageTextKey = keyof typeof PAGE_TEXT_PLACEHOLDERS;
export type PageTexts = Readonly<Record<PageTextKey, string>>;

export const PAGE_TEXT_KEYS: readonly PageTextKey[] = Object.keys(PAGE_TEXT_PLACEHOLDERS).filter(isPageTextKey);

export function isPageTextKey(key: string): key is PageTextKey {
  return Object.hasOwn(PAGE_TEXT_PLACEHOLDERS, key);
}

/** The placeholders that a text has, each once, in order of the alphabet. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] ?? ''))].toSorted();
}
