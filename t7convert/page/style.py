"""The style sheet and the few lines of script that every page carries."""

from __future__ import annotations

CSS = """
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--fg:#1d2125;--dim:#5d6670;--line:#d9dde1;
--ok:#1a7f4b;--bad:#c0262d;--warn:#8a6100;--accent:#2457c5;--tie-l:38%;--soft:#eef1f4}
@media(prefers-color-scheme:dark){:root{--bg:#15181b;--card:#1d2125;--fg:#e8eaed;--dim:#a0a9b2;
--line:#3a4148;--ok:#58c98c;--bad:#ff7b7b;--warn:#e0b34f;--accent:#8ab0ff;--tie-l:68%;
--soft:#262b30}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
a{color:var(--accent)}
nav a{display:inline-block;padding:.25rem .75rem .25rem 0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card)}
.dim{color:var(--dim)}.ok{color:var(--ok)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.75rem 1rem}
.verdict{border-left:.5rem solid var(--ok);margin:1rem 0}.verdict.bad{border-color:var(--bad);
color:inherit}
.verdict strong{font-size:1.25rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.75rem;padding:0;
margin:0;list-style:none}
.facts b{display:block;font-size:1.1rem}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1rem;margin:0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow:auto;max-height:80vh;border:1px solid var(--line);border-radius:.6rem;
background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{position:sticky;top:0;background:var(--soft);white-space:nowrap}
td.n{text-align:right;white-space:nowrap}td.p{overflow-wrap:anywhere;min-width:12rem}
td.s{white-space:nowrap}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
.tools{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center;margin:.5rem 0}
input[type=search]{font:inherit;padding:.45rem .6rem;border:1px solid var(--line);
border-radius:.4rem;background:var(--card);color:inherit;flex:1 1 14rem;min-width:0}
label{display:inline-flex;gap:.4rem;align-items:center;min-height:2.5rem}
.chart svg{display:block;min-width:42rem;width:100%;height:auto}
.chart text{fill:var(--dim);font-size:11px}
.chart .grid{stroke:var(--line)}.chart .bound{stroke:var(--warn);fill:none;stroke-width:1.5}
.chart .dot{fill:var(--accent)}.chart .dot.bad{fill:var(--bad)}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.875rem;margin:.35rem 0}
.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:50%;margin-right:.35rem;
vertical-align:-.05rem}
.key i.line{height:.2rem;border-radius:0;width:1.2rem;vertical-align:.2rem}
.graph{padding:.75rem}
.net,.net details,.net .leaf{border:1px solid var(--line);border-radius:.45rem}
.net{border:0;font-size:.8125rem;line-height:1.35}
.net details{padding:.25rem .4rem;background:color-mix(in srgb,var(--soft) 45%,transparent)}
.net summary{cursor:pointer;color:var(--dim);padding:.15rem;min-height:1.6rem}
.net .in{display:flex;flex-direction:column;gap:.35rem;align-items:stretch;margin-top:.25rem}
.net .in.side{flex-direction:row;flex-wrap:wrap;align-items:flex-start}
.net .in.side>*{flex:1 1 9rem;min-width:9rem}
.net .leaf{background:var(--card);padding:.25rem .45rem;overflow-wrap:anywhere}
.net .leaf.bad,.net details.bad{border:2px solid var(--bad)}
.net .again{border-style:dashed}
.tie{display:inline-block;border-radius:1rem;padding:0 .5rem;font-weight:600;
color:hsl(var(--h) 75% var(--tie-l));border:2px solid currentColor;margin:.1rem .2rem .1rem 0;
white-space:nowrap}
.hot{box-shadow:0 0 0 3px hsl(var(--h) 75% var(--tie-l))}
button.tie{font:inherit;font-weight:600;background:none;cursor:pointer;min-height:1.6rem}
@media print{.scroll{max-height:none;overflow:visible}.tools,nav{display:none}}
"""

#: Filters tables and shows the members of a tie; without it the page still tells everything.
SCRIPT = """
for (const box of document.querySelectorAll('[data-filter]')) {
  const rows = [...document.getElementById(box.dataset.filter).tBodies[0].rows];
  const text = box.querySelector('input[type=search]');
  const bad = box.querySelector('input[type=checkbox]');
  const count = box.querySelector('output');
  const apply = () => {
    const words = text.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const all = row.textContent.toLowerCase();
      row.hidden = (bad && bad.checked && row.dataset.ok === '1') ||
        !words.every(word => all.includes(word));
      shown += !row.hidden;
    }
    count.value = shown + ' of ' + rows.length + ' rows';
  };
  text.addEventListener('input', apply);
  if (bad) bad.addEventListener('change', apply);
  apply();
}
let chosen = null;
document.addEventListener('click', event => {
  const button = event.target.closest('button.tie');
  if (!button) return;
  for (const old of document.querySelectorAll('.hot')) old.classList.remove('hot');
  for (const one of document.querySelectorAll('button.tie')) one.ariaPressed = 'false';
  chosen = chosen === button.dataset.tie ? null : button.dataset.tie;
  if (chosen === null) return;
  for (const one of document.querySelectorAll(`[data-tie="${chosen}"]`)) {
    one.ariaPressed = 'true';
    const box = one.closest('.leaf, details');
    if (!box) continue;
    box.classList.add('hot');
    box.style.setProperty('--h', one.style.getPropertyValue('--h'));
    for (let up = box; up; up = up.parentElement) if (up.tagName === 'DETAILS') up.open = true;
  }
});
"""
