/**
 * The style sheet of the warning page: inline, allowed by its hash in the Content-Security-Policy, no fonts or images
 * from elsewhere. Text contrast is at least 4.5:1 in both schemes (WCAG 2.2, 1.4.3).
 */
import { createHash } from 'node:crypto';

export const PAGE_STYLE = `
:root{color-scheme:light dark;--page:#f4f1ec;--card:#fffdfa;--ink:#1d1a16;--soft:#5d564d;--line:#e3dcd1;--alarm:#a3182b;--alarm-ink:#fff;--alarm-soft:#fbe9e7;--alarm-text:#8f1224}
@media (prefers-color-scheme:dark){:root{--page:#14120f;--card:#1e1b17;--ink:#f1ece4;--soft:#b3a99b;--line:#383229;--alarm:#8d1526;--alarm-ink:#fff;--alarm-soft:#3a1a1c;--alarm-text:#ffb4ab}}
*{box-sizing:border-box;margin:0}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{min-height:100vh;min-height:100dvh;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI","PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans SC","Noto Sans CJK SC","WenQuanYi Micro Hei",sans-serif}
main{max-width:860px;margin:0 auto;background:var(--card);overflow:hidden}
.hero{padding:clamp(24px,5vw,44px) clamp(20px,5vw,48px);background:var(--alarm);color:var(--alarm-ink)}
.brand{display:flex;align-items:center;gap:10px;font-size:.9375rem;font-weight:600;margin-bottom:clamp(20px,4vw,32px)}
.brand svg{flex:none}
.brand i{font-style:normal;font-weight:400;opacity:.9}
h1{font-size:clamp(1.75rem,1.2rem + 2.6vw,2.625rem);line-height:1.2;font-weight:700;letter-spacing:-.01em;text-wrap:balance}
.second{margin-top:6px;font-size:clamp(1rem,.9rem + .5vw,1.1875rem);line-height:1.4;opacity:.95}
.host{margin-top:clamp(18px,3vw,26px);padding:12px 16px;border-radius:8px;background:rgb(0 0 0/.24);font:600 clamp(1rem,.92rem + .5vw,1.25rem)/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.host small{display:block;font-size:.8125rem;font-weight:400;opacity:.95}
.body{padding:clamp(20px,4vw,36px) clamp(20px,5vw,48px) clamp(24px,4vw,40px)}
.why{padding:16px 18px;border-left:4px solid var(--alarm-text);border-radius:0 8px 8px 0;background:var(--alarm-soft)}
.why strong{display:block;color:var(--alarm-text);font-size:1.1875rem;line-height:1.4}
.why p+p{margin-top:4px;color:var(--soft);font-size:.9375rem}
dl{display:grid;grid-template-columns:1fr;margin:20px 0 4px;border-top:1px solid var(--line)}
dl div{padding:10px 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft);font-size:.875rem}
dt i{font-style:normal;margin-left:.5em}
dd{overflow-wrap:anywhere;font-weight:500}
dd i{font-style:normal;color:var(--soft);font-weight:400;font-size:.9375rem}
dd i.other{display:block;line-height:1.45}
dd code{font:600 1.0625rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
dl .incident{margin-top:16px;padding:12px 16px;border:1px dashed var(--soft);border-radius:8px}
.incident dd code{font-size:clamp(1.1875rem,1.1rem + .5vw,1.5rem);letter-spacing:.06em;user-select:all}
.advice{display:grid;gap:28px;margin-top:28px}
h2{font-size:1.0625rem;line-height:1.4;margin-bottom:8px}
h2:not(:first-child){margin-top:20px}
ul{padding-left:1.2em}
li+li{margin-top:6px}
li::marker{color:var(--alarm-text)}
section p{color:var(--ink)}
.lead{font-size:1.0625rem}
.hint{margin-top:8px;color:var(--soft)}
footer{margin-top:28px;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:.8125rem}
.calm .hero{background:#24555c}
.calm .advice{margin-top:0}
@media (min-width:640px){
body{padding:clamp(16px,4vw,48px) 24px}
dl .incident{grid-column:1/-1}
main{border-radius:16px;box-shadow:0 1px 2px rgb(0 0 0/.08),0 12px 40px rgb(0 0 0/.08)}
dl{grid-template-columns:1fr 1fr;column-gap:32px}
.advice{grid-template-columns:1fr 1fr;gap:36px}
}
@media print{.hero{background:none;color:#000}.host{background:none;border:1px solid}}
`;

/** Content-Security-Policy of every answer: this style sheet and nothing else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
