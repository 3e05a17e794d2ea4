/**
 * The style sheet of the warning page: inline, allowed by its hash in the Content-Security-Policy, no fonts or images
 * from elsewhere. Directions are logical (inline-start), so that one sheet serves both. What stands on what is checked
 * by config/page-colours.ts for the operator's colours and by the browser tests for all. WCAG 2.2, 1.4.3.
 */
import { createHash } from 'node:crypto';
import { PAGE_SURFACES } from '../../config/page-colours.ts';
import type { PageColours } from '../../config/page-colours.ts';

const MONOSPACE = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace';
const SANS =
  'system-ui,-apple-system,"Segoe UI","PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans SC","Noto Sans CJK SC","WenQuanYi Micro Hei","Noto Naskh Arabic","UKIJ Tuz","Microsoft Uighur",sans-serif';

/** Of the form for objections, and of what is to be copied. */
const FORM_STYLE = `fieldset{border:0;padding:0}
legend{padding:0}
legend,form label{font-weight:600}
section>p+p{margin-top:10px}
section>form{margin-top:24px}
form>*+*{margin-top:24px}
section>form>*+*{margin-top:10px}
form .choice{display:flex;gap:10px;align-items:flex-start;padding:8px 0}
form .choice label{font-weight:400}
form .hint{color:var(--soft);font-size:.9375rem}
form .wrong{margin-top:4px;font-weight:600;color:var(--accent)}
.alert{padding:14px 20px;border:2px solid var(--accent);border-radius:6px}
input:not([type=radio]),textarea{display:block;width:100%;margin-top:6px;padding:10px 12px;border:1px solid var(--soft);border-radius:6px;background:var(--card);color:var(--ink);font:inherit;unicode-bidi:plaintext}
input[type=radio]{width:1.25rem;height:1.25rem;margin-top:.2rem;flex:none}
button{min-height:44px;padding:10px 22px;border:2px solid var(--accent);border-radius:6px;background:none;color:var(--accent);font:inherit;font-weight:700;cursor:pointer}
:is(input,textarea,button):focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.token{display:block;margin:6px 0;font-family:${MONOSPACE};word-break:break-all;direction:ltr;unicode-bidi:isolate;user-select:all}
`;

/** The sheet with an operator's colours. */
export function pageStyle({ banner, bannerText, accent, accentDark }: PageColours): string {
  const { light, dark } = PAGE_SURFACES;
  return `
:root{color-scheme:light dark;--page:#e6ebf0;--card:${light.card};--tint:${light.tint};--ink:#16202a;--soft:#4d5a67;--line:#d5dde4;--banner:${banner};--on:${bannerText};--accent:${accent}}
@media (prefers-color-scheme:dark){:root{--page:#0e1216;--card:${dark.card};--tint:${dark.tint};--ink:#e9eef3;--soft:#b0bcc7;--line:#39434d;--accent:${accentDark}}}
*{box-sizing:border-box;margin:0}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{min-height:100vh;min-height:100dvh;background:var(--page);color:var(--ink);font:1rem/1.65 ${SANS}}
:lang(ug) body,:lang(ug){line-height:1.8}
a{color:var(--accent);text-underline-offset:.2em}
a:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:2px}
.top{display:flex;flex-wrap:wrap;gap:8px 24px;align-items:center;justify-content:space-between;max-width:46rem;margin:0 auto;padding:14px 20px}
.brand{display:flex;align-items:center;gap:10px;font-weight:600}
.brand img{display:block;max-height:36px;max-width:180px}
.brand svg{flex:none}
.brand span span{margin-inline-start:.5em;padding-inline-start:.75em;border-inline-start:1px solid var(--soft);color:var(--soft);font-weight:400}
.languages ul{display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;list-style:none;font-size:.9375rem}
.languages a,.languages b{display:inline-block;padding:6px 0;color:var(--ink)}
main{max-width:46rem;margin:0 auto;background:var(--card)}
.banner{padding:28px 20px;background:var(--banner);color:var(--on)}
h1{font-size:clamp(1.625rem,1.25rem + 2vw,2.25rem);line-height:1.3;font-weight:700;text-wrap:balance}
.banner p{margin-top:10px;max-width:40em;text-wrap:pretty}
.body{padding:24px 20px 32px}
h2{font-size:1.1875rem;line-height:1.4}
.body>*+*{margin-top:32px}
.body>section>h2+*{margin-top:10px}
.label{color:var(--soft);font-size:.9375rem}
.host{font:600 clamp(1.0625rem,1rem + .6vw,1.3125rem)/1.5 ${MONOSPACE};overflow-wrap:anywhere;direction:ltr;unicode-bidi:isolate}
:dir(rtl) .host{text-align:right}
.why{padding:18px 20px;background:var(--tint);border-inline-start:4px solid var(--accent)}
.why h2{color:var(--accent)}
.why p{margin-top:6px}
.also{margin-top:6px}
ol{padding-inline-start:1.5em}
ol>li+li{margin-top:10px}
ol>li::marker{color:var(--accent);font-weight:700}
.hotlines{display:flex;flex-wrap:wrap;gap:10px;margin-top:10px;padding:0;list-style:none}
.hotlines a{display:block;padding:8px 18px;border:2px solid var(--accent);border-radius:6px;text-decoration:none;line-height:1.4}
.hotlines b{display:block;font-size:1.375rem;font-variant-numeric:tabular-nums}
.incident{padding:18px 20px;border:1px solid var(--line);border-radius:6px}
.incident output{display:block;margin:4px 0;font:700 clamp(1.5rem,1.1rem + 3.4vw,2.25rem)/1.35 ${MONOSPACE};letter-spacing:.04em;direction:ltr;unicode-bidi:isolate;user-select:all}
.incident output span{display:inline-block}
.incident output i{font-style:normal;font-weight:400;color:var(--soft);padding:0 .12em}
:dir(rtl) .incident output{text-align:right}
.incident p{color:var(--soft);font-size:.9375rem}
dl{border-top:1px solid var(--line)}
dl div{display:grid;gap:0 20px;padding:10px 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft);font-size:.9375rem}
dd{overflow-wrap:anywhere}
footer{max-width:46rem;margin:0 auto;padding:18px 20px 32px;color:var(--soft);font-size:.875rem}
${FORM_STYLE}@media (min-width:40rem){
.top,footer{padding-inline:32px}
main{border-radius:10px;overflow:hidden}
.banner{padding:36px 32px}
.body{padding:32px 32px 40px}
dl div{grid-template-columns:11rem 1fr}
}
@media print{
body{background:#fff;color:#000}
.languages,.privacy{display:none}
.banner{padding:0 0 12px;background:none;color:#000}
.body,.top{padding-inline:0}
.why,.incident,.hotlines a{border:1px solid #000;background:none}
section,dl div{break-inside:avoid}
}
`;
}

/** Content-Security-Policy of every answer: this style sheet, images that the page holds itself, and nothing else. */
export function pagePolicy(style: string, formAction = "'none'"): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    'img-src data:',
    "base-uri 'none'",
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
  ].join('; ');
}
