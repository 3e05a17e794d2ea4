/** The warning page in simplified Chinese. Plain sentences for people who are in a hurry and may be afraid. */
import type { PageTexts } from '../../../config/page-text-keys.ts';

export const ZH_CN: PageTexts = {
  'language.own': '中文',
  'language.switch': '语言',
  brand: '网络防诈骗保护',
  title: '此网站已被拦截',
  lead: '您要访问的网站在涉诈名单上，我们已为您中断连接。您的手机或电脑没有因此受到影响。',
  'host.label': '被拦截的网址',
  'host.written': '显示为',
  'host.via': '该网址指向名单上的 {target}。',
  'category.fraud.name': '涉嫌诈骗',
  'category.fraud.explanation':
    '该网站被认定用于骗取钱财或个人信息。此类网站常以奖品、退款、罚款或紧急通知为由，催促您立即付款或填写资料。',
  'category.scam.name': '网络骗局',
  'category.scam.explanation':
    '该网站被认定以虚假承诺诱骗付款。常见手法：商品远低于市价、付款后不发货，或要求先交“税费”“解冻费”才能取回钱款。',
  'category.investment.name': '虚假投资理财',
  'category.investment.explanation':
    '该网站被认定以投资为名骗取资金。常见手法：有人拉您进群“带单”，平台上的盈利只是数字，小额可以提现，大额之后就再也取不出来。',
  'category.loan.name': '虚假贷款',
  'category.loan.explanation':
    '该网站被认定以贷款为名行骗。常见手法：“无抵押、秒到账”，放款前先收保证金、解冻费或验证还款能力。正规贷款在放款之前不收任何费用。',
  'category.brushing.name': '刷单返利诈骗',
  'category.brushing.explanation':
    '该网站被认定以刷单、点赞、做任务返利为名骗取垫付款。常见手法：前几单小额返利，之后要求连续垫付大额，再以“操作失误”为由拒绝返款。刷单本身即属违法。',
  'category.impersonation.name': '冒充身份诈骗',
  'category.impersonation.explanation':
    '该网站被认定冒充公安、银行、客服、领导或亲友行骗。公检法机关不会通过网络办案，更没有“安全账户”；银行和客服不会索要密码和验证码。',
  'category.phishing.name': '钓鱼网站',
  'category.phishing.explanation':
    '该网站被认定仿冒真实网站，窃取密码、银行卡号或短信验证码。页面可以做得一模一样，只有网址不同。请自己输入官方网址，或使用官方应用。',
  'category.gambling.name': '网络赌博',
  'category.gambling.explanation':
    '该网站被认定从事非法网络赌博。输赢由后台操纵，充值容易提现难，参与者的个人信息和银行账户还常被用于洗钱。',
  'category.malware.name': '恶意软件',
  'category.malware.explanation':
    '该网站被认定传播有害软件。一旦安装，它可以读取短信和通讯录、远程控制屏幕、转走账户里的钱。',
  'category.other.name': '有害内容',
  'category.other.explanation': '该网站被认定会对访问者造成损害。',
  'now.title': '现在请这样做',
  'now.close': '关闭此页面。不要转账，不要提供密码、验证码或身份证号，也不要按对方指示继续操作。',
  'now.paid': '已经付款或转账：立即拨打下列电话，并请银行止付。越快越有可能追回。',
  'now.password': '已经填写密码：立即在真正的网站或应用上修改；填写过银行卡信息的，请银行冻结该卡。',
  'now.installed': '已经按要求安装软件或共享屏幕：断开网络，卸载该软件，在另一台设备上修改密码。',
  'hotline.96110': '反诈专线',
  'hotline.110': '报警',
  'incident.label': '事件编号',
  'incident.help': '联系我们或报警时请报此编号。只含数字和字母，其中没有字母 I、L、O、U。',
  'facts.title': '拦截详情',
  'authority.label': '决定机构',
  'authority.unnamed': '您的网络运营商',
  'basis.label': '拦截依据',
  'order.authority': '主管部门要求拦截',
  'order.operator': '网络运营商决定拦截',
  'order.subscriber': '按您的线路设置拦截',
  'list.label': '名单',
  'list.version': '第 {version} 版',
  'entry.label': '名单条目',
  'objection.title': '认为拦截有误？',
  'objection.text': '网站访问者和网站所有者都可以提出异议。请联系您的网络运营商，说明事件编号、您的联系方式和理由。',
  'objection.link': '提出异议',
  privacy: '本页面不使用 Cookie，不运行脚本，不记录您的身份，也不读取您提交的内容。',
  'neutral.title': '此地址没有拦截记录',
  'neutral.text': '这里是拦截提示页。您访问的地址目前不在拦截名单中。',
  'neutral.hint': '拦截可能刚刚解除，请几分钟后重试。',
  'limited.title': '请求过多',
  'limited.text': '请稍候片刻再刷新此页面。',
};
