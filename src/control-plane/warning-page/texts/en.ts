/** The warning page in English. Plain sentences for people who are in a hurry and may be afraid. */
import type { PageTexts } from '../../../config/page-text-keys.ts';

export const EN: PageTexts = {
  'language.own': 'English',
  'language.switch': 'Language',
  brand: 'Fraud protection',
  title: 'This website has been blocked',
  lead: 'The site you asked for is on a block list, so your connection was stopped here. This visit has done nothing to your device.',
  'host.label': 'Blocked address',
  'host.written': 'Shown as',
  'host.via': 'This address leads to {target}, which is on the list.',
  'category.fraud.name': 'Suspected fraud',
  'category.fraud.explanation':
    'This site was found to take money or personal data by deception. Sites like it promise a prize or a refund, or threaten a fine, and press you to pay or fill in a form at once.',
  'category.scam.name': 'Scam',
  'category.scam.explanation':
    'This site was found to obtain payments with false promises. Typical: goods far below their price that never arrive, or “taxes” and “release fees” to be paid before you get your money back.',
  'category.investment.name': 'Fake investment',
  'category.investment.explanation':
    'This site was found to take money in the name of an investment. Typical: someone you met online gives you tips, the profit is only a number on the screen, small withdrawals work, and large ones never do.',
  'category.loan.name': 'Fake loan',
  'category.loan.explanation':
    'This site was found to cheat people who need a loan. Typical: “no security, money in minutes”, but first a deposit, an unlocking fee or a proof that you can pay. A real lender takes no money before it lends.',
  'category.brushing.name': 'Fake-order and task scam',
  'category.brushing.explanation':
    'This site was found to take advance payments for fake orders, likes or online tasks. Typical: the first small tasks are paid, then you must advance more and more, and a “mistake” of yours is why nothing comes back.',
  'category.impersonation.name': 'Impersonation of police, bank or support',
  'category.impersonation.explanation':
    'This site was found to pose as the police, a bank, a help desk, a superior or a friend. The police do not handle cases online and have no “safe account”; no bank asks for your password or a code.',
  'category.phishing.name': 'Phishing',
  'category.phishing.explanation':
    'This site was found to imitate a real one to steal passwords, card numbers or codes. It can look exactly the same; only the address differs. Type the official address yourself, or use the official app.',
  'category.gambling.name': 'Illegal gambling',
  'category.gambling.explanation':
    'This site was found to offer illegal online gambling. Who wins is set behind the scenes, paying in is easy and paying out is not, and players’ accounts are used to launder money.',
  'category.malware.name': 'Malware',
  'category.malware.explanation':
    'This site was found to spread harmful software. Once installed it can read your messages and contacts, control your screen, and move money from your accounts.',
  'category.other.name': 'Harmful content',
  'category.other.explanation': 'This site was found to harm the people who visit it.',
  'now.title': 'What to do now',
  'now.close':
    'Close this page. Do not pay, do not give passwords, codes or ID numbers, and do not follow further instructions.',
  'now.paid':
    'If you have already paid: call one of these numbers now, and ask your bank to stop the payment. Every minute counts.',
  'now.password':
    'If you typed a password: change it now on the real site or app. If you gave card details, have the bank block the card.',
  'now.installed':
    'If you installed an app or shared your screen: go offline, remove the app, and change your passwords on another device.',
  'hotline.96110': 'Anti-fraud line (China)',
  'hotline.110': 'Police (China)',
  'incident.label': 'Incident number',
  'incident.help':
    'Give this number when you call us or the police. It is made of digits and letters; the letters I, L, O and U are never used.',
  'facts.title': 'Details of this block',
  'authority.label': 'Ordered by',
  'authority.unnamed': 'Your internet provider',
  'reference.label': 'Reference',
  'basis.label': 'Basis',
  'order.authority': 'Ordered by an authority',
  'order.operator': 'Decision of the internet provider',
  'order.subscriber': 'Set for your connection',
  'list.label': 'List',
  'list.version': 'version {version}',
  'entry.label': 'List entry',
  'objection.title': 'Blocked by mistake?',
  'objection.text':
    'Visitors and owners of the site can object. Contact your internet provider with the incident number, how to reach you, your reasons, and what supports them.',
  'objection.form':
    'Visitors and owners of the site can object here: how to reach you, your reasons, and what supports them. Keep the incident number; your internet provider asks for it when you call.',
  'objection.link': 'File an objection',
  'objection.other': 'Other ways to object',
  'appeal.lead':
    'Say why this address should not be blocked. A person decides; if you are right, the block is lifted at once.',
  'appeal.back': 'Back to the warning',
  'appeal.who.label': 'Who are you?',
  'appeal.who.subscriber': 'A visitor of this site',
  'appeal.who.owner': 'The owner of this site, or acting for them',
  'appeal.contact.label': 'How can we reach you?',
  'appeal.contact.hint': 'An e-mail address or a telephone number, at most 200 characters.',
  'appeal.reason.label': 'Why is the block wrong?',
  'appeal.reason.hint':
    'What the site is for and what speaks for it, in 10 to 2000 characters. Write no passwords, codes or ID numbers.',
  'appeal.evidence.label': 'A link to evidence (optional)',
  'appeal.evidence.hint': 'It begins with https:// or http://, for example of a licence or a registration.',
  'appeal.send': 'Send the objection',
  'appeal.privacy':
    'What you write is read by those who decide, and deleted {days} days after the decision. This page sets no cookies and runs no scripts.',
  'appeal.problem.title': 'The objection has not been sent',
  'appeal.problem.badWho': 'Say whether you are a visitor or the owner.',
  'appeal.problem.badContact': 'Write an e-mail address or a telephone number, in one line of 3 to 200 characters.',
  'appeal.problem.badReason': 'Write your reasons in 10 to 2000 characters, without characters that are not shown.',
  'appeal.problem.badEvidence':
    'The link begins with https:// or http:// and has at most 500 characters. It can be left out.',
  'appeal.problem.badForm': 'The form could not be read. Load this page again and send it once more.',
  'appeal.problem.tooManyOfEntry':
    'Objections to this block are being looked at already. Come back when they are decided.',
  'appeal.problem.tooManyOfList': 'Too many objections are waiting. Try again later, or call your internet provider.',
  'appeal.problem.tooManyOfClient':
    'Your connection has sent several objections today. Try again tomorrow, or call your internet provider.',
  'appeal.problem.closed': 'No objections to this list are taken here. Contact your internet provider.',
  'appeal.problem.unavailable':
    'It does not work at the moment, and nothing was kept. Try again in some minutes, or call your internet provider.',
  'appeal.filed.title': 'Your objection has been received',
  'appeal.link.label': 'Your private link',
  'appeal.link.help': 'Keep it: it is the only way to see here what is decided, for you and for whoever else has it.',
  'appeal.status.title': 'Your objection',
  'appeal.number.label': 'Number',
  'appeal.state.label': 'State',
  'appeal.state.received': 'Received',
  'appeal.state.inReview': 'Somebody is looking at it',
  'appeal.state.upheld': 'You were right; the block is lifted',
  'appeal.state.rejected': 'The block stays',
  'appeal.state.expired': 'It was not decided in time; you can send it again',
  'appeal.created.label': 'Received on',
  'appeal.due.label': 'Decision by',
  'appeal.decision.label': 'Reason',
  'appeal.proof.title': 'Show that the site is yours',
  'appeal.proof.text': 'It helps whoever decides. Publish this text in one of the two places, then have it checked:',
  'appeal.proof.dns': 'As a TXT record of this name:',
  'appeal.proof.http': 'As a file at this address:',
  'appeal.proof.check.dns': 'Check the record',
  'appeal.proof.check.http': 'Check the file',
  'appeal.proof.done': 'You have shown that the site is yours.',
  'appeal.proof.failed': 'The text was not found there. A change of DNS can take a while: try again later.',
  'appeal.unknown.title': 'There is no objection at this link',
  'appeal.unknown.text': 'Check that the link is whole.',
  privacy:
    'This page sets no cookies, runs no scripts, does not record who you are, and does not read what you submit.',
  'neutral.title': 'No block is recorded for this address',
  'neutral.text': 'This is where blocked addresses lead. The one you asked for is not on a block list now.',
  'neutral.hint': 'The block may just have been lifted: try again in a few minutes.',
  'limited.title': 'Too many requests',
  'limited.text': 'Please wait a moment before you load this page again.',
};
