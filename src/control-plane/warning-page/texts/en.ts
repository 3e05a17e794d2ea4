/** The warning page in English. Plain sentences for people who are in a hurry and may be afraid. */
import type { PageTexts } from '../../../config/page-text-keys.ts';

export const EN: PageTexts = {
  'language.own': 'English',
  'language.switch': 'Language',
  brand: 'Fraud protection',
  title: 'This website has been blocked',
  lead: 'The site you asked for is on a fraud list, so your connection was stopped here. Nothing has happened to your device.',
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
  'basis.label': 'Basis',
  'order.authority': 'Ordered by an authority',
  'order.operator': 'Decision of the internet provider',
  'order.subscriber': 'Set for your connection',
  'list.label': 'List',
  'list.version': 'version {version}',
  'entry.label': 'List entry',
  'objection.title': 'Blocked by mistake?',
  'objection.text':
    'Visitors and owners of the site can object. Contact your internet provider with the incident number, how to reach you, and your reasons.',
  'objection.link': 'File an objection',
  privacy:
    'This page sets no cookies, runs no scripts, does not record who you are, and does not read what you submit.',
  'neutral.title': 'No block is recorded for this address',
  'neutral.text': 'This is where blocked addresses lead. The one you asked for is not on a block list now.',
  'neutral.hint': 'The block may just have been lifted: try again in a few minutes.',
  'limited.title': 'Too many requests',
  'limited.text': 'Please wait a moment before you load this page again.',
};
