/** The words of the warning page in each language. Plain sentences for people who are in a hurry and may be afraid. */
import type { Category } from '../../policy/category.ts';
import type { ListOrder } from '../../policy/published.ts';
import type { PageLanguage } from '../../telemetry/counter-labels.ts';

interface CategoryWords {
  readonly name: string;
  readonly sentence: string;
}

export interface PageWords {
  readonly brand: string;
  /** Between a heading and its sentence on one line. */
  readonly colon: string;
  readonly title: string;
  readonly fallbackAuthority: string;
  readonly labels: {
    readonly address: string;
    readonly reason: string;
    readonly authority: string;
    readonly basis: string;
    readonly list: string;
    readonly entry: string;
    readonly incident: string;
  };
  readonly categories: Readonly<Record<Category, CategoryWords>>;
  readonly orders: Readonly<Record<ListOrder, string>>;
  readonly advice: { readonly title: string; readonly items: readonly string[] };
  readonly mistake: { readonly title: string; readonly text: string };
  readonly privacy: string;
  readonly neutral: { readonly title: string; readonly text: string; readonly hint: string };
}

export const PAGE_WORDS: Readonly<Record<PageLanguage, PageWords>> = {
  'zh-CN': {
    brand: '网络防诈骗保护',
    colon: '：',
    title: '此网站已被拦截',
    fallbackAuthority: '您的网络运营商',
    labels: {
      address: '网址',
      reason: '拦截原因',
      authority: '决定机构',
      basis: '拦截依据',
      list: '名单',
      entry: '名单条目',
      incident: '事件编号',
    },
    categories: {
      fraud: { name: '涉嫌诈骗', sentence: '该网站被认定用于骗取钱财或个人信息。' },
      scam: { name: '网络骗局', sentence: '该网站被认定以虚假承诺诱骗付款或提供信息。' },
      investment: { name: '虚假投资理财', sentence: '该网站被认定以高回报投资为诱饵骗取资金。' },
      loan: { name: '虚假贷款', sentence: '该网站被认定以贷款为名骗取手续费、保证金或个人信息。' },
      brushing: { name: '刷单返利诈骗', sentence: '该网站被认定以刷单、做任务返利为名骗取垫付款。' },
      impersonation: { name: '冒充身份', sentence: '该网站被认定冒充机构、企业、客服或熟人行骗。' },
      phishing: { name: '钓鱼网站', sentence: '该网站被认定仿冒真实网站，窃取密码、银行卡号或验证码。' },
      gambling: { name: '网络赌博', sentence: '该网站被认定从事非法网络赌博。' },
      malware: { name: '恶意软件', sentence: '该网站被认定传播会危害您设备的软件。' },
      other: { name: '有害内容', sentence: '该网站被认定会对访问者造成损害。' },
    },
    orders: {
      authority: '主管部门要求拦截',
      operator: '网络运营商决定拦截',
      subscriber: '按您的线路设置拦截',
    },
    advice: {
      title: '您可以这样做',
      items: [
        '关闭此页面，不要转账，不要提供密码、验证码或身份证号。',
        '如果已经付款，请立即联系银行止付并报警。中国大陆：报警 110，反诈咨询 96110。',
        '如果已经填写密码，请立即在真正的网站上修改。',
      ],
    },
    mistake: {
      title: '认为拦截有误？',
      text: '请联系您的网络运营商，并提供上面的事件编号。',
    },
    privacy: '本页面不使用 Cookie，不记录您的身份，也不读取您提交的内容。',
    neutral: {
      title: '此地址没有拦截记录',
      text: '这里是拦截提示页。您访问的地址目前不在拦截名单中。',
      hint: '拦截可能刚刚解除，请几分钟后重试；也可能是该网站指向了另一个被拦截的网站。',
    },
  },
  en: {
    brand: 'Fraud protection',
    colon: ': ',
    title: 'This website has been blocked',
    fallbackAuthority: 'Your internet provider',
    labels: {
      address: 'Address',
      reason: 'Reason',
      authority: 'Decided by',
      basis: 'Basis',
      list: 'List',
      entry: 'List entry',
      incident: 'Incident number',
    },
    categories: {
      fraud: { name: 'Suspected fraud', sentence: 'It was found to take money or personal data by deception.' },
      scam: { name: 'Scam', sentence: 'It was found to obtain payments or data with false promises.' },
      investment: { name: 'Fake investment', sentence: 'It was found to take money with promises of high returns.' },
      loan: {
        name: 'Fake loan',
        sentence: 'It was found to take fees, deposits or personal data for loans that never come.',
      },
      brushing: {
        name: 'Fake-task scam',
        sentence: 'It was found to take advance payments for fake orders or online tasks.',
      },
      impersonation: {
        name: 'Impersonation',
        sentence: 'It was found to pose as an agency, a company, a help desk or a friend.',
      },
      phishing: {
        name: 'Phishing',
        sentence: 'It was found to imitate a real site to steal passwords, card numbers or codes.',
      },
      gambling: { name: 'Illegal gambling', sentence: 'It was found to offer illegal online gambling.' },
      malware: { name: 'Malware', sentence: 'It was found to spread software that harms your device.' },
      other: { name: 'Harmful content', sentence: 'It was found to harm the people who visit it.' },
    },
    orders: {
      authority: 'Ordered by an authority',
      operator: 'Decision of the internet provider',
      subscriber: 'Set for your connection',
    },
    advice: {
      title: 'What you can do',
      items: [
        'Close this page. Do not pay, and do not give passwords, codes or ID numbers.',
        'If you have paid, call your bank and the police at once. Mainland China: police 110, anti-fraud line 96110.',
        'If you have typed a password, change it now on the real site.',
      ],
    },
    mistake: {
      title: 'Blocked by mistake?',
      text: 'Contact your internet provider and give the incident number above.',
    },
    privacy: 'This page sets no cookies, does not record who you are, and does not read what you submit.',
    neutral: {
      title: 'No block is recorded for this address',
      text: 'This is where blocked addresses lead. The one you asked for is not on a block list now.',
      hint: 'The block may just have been lifted: try again in a few minutes. Or the site leads on to another one that is blocked.',
    },
  },
};
