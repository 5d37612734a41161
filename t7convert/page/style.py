"""The style sheet and the few lines of script that every page carries."""

from __future__ import annotations

CSS = """
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--fg:#1d2125;--dim:#5d6670;--line:#d9dde1;
--ok:#1a7f4b;--bad:#c0262d;--warn:#8a6100;--accent:#2457c5;--tie-l:38%;--soft:#eef1f4;
--edge:#7b8794;--e1:#b4511a;--e2:#2457c5;--e3:#7a3fae;--e4:#1a7f4b;--e5:#b02a6b}
@media(prefers-color-scheme:dark){:root{--bg:#15181b;--card:#1d2125;--fg:#e8eaed;--dim:#a0a9b2;
--line:#3a4148;--ok:#58c98c;--bad:#ff7b7b;--warn:#e0b34f;--accent:#8ab0ff;--tie-l:68%;
--soft:#262b30;--edge:#8a96a3;--e1:#f0a36a;--e2:#8ab0ff;--e3:#c9a2f2;--e4:#58c98c;--e5:#f08cb8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
a{color:var(--accent)}
nav{margin:.5rem 0}nav a{display:inline-block;padding:.25rem .75rem .25rem 0}
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
.chart{position:relative;height:min(19rem,60vw);min-height:12rem;margin:.6rem 0 .2rem 3.6rem}
.chart svg{display:block;width:100%;height:100%;overflow:visible}
.chart span{position:absolute;right:calc(100% + .4rem);transform:translateY(-50%);color:var(--dim);
font-size:.75rem;white-space:nowrap}
.chart *{vector-effect:non-scaling-stroke}
.chart .grid{stroke:var(--line)}.chart .bound{stroke:var(--warn);fill:none;stroke-width:1.5}
.chart .dot{stroke:var(--accent);stroke-width:6px;stroke-linecap:round}
.chart .many{stroke-width:4px}.chart .dot.bad{stroke:var(--bad);stroke-width:10px}
.below{margin:0 0 0 3.6rem;font-size:.875rem;text-align:center}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.875rem;margin:.35rem 0}
.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:50%;margin-right:.35rem;
vertical-align:-.05rem}
.key i.line{height:.2rem;border-radius:0;width:1.2rem;vertical-align:.2rem}
.graph{padding:.75rem}
.net details,.net .leaf,.net .dot{border:1px solid var(--line);border-radius:.45rem}
.net{font-size:.8125rem;line-height:1.35;width:max-content;min-width:100%}
.net details{padding:.25rem .4rem;background:color-mix(in srgb,var(--soft) 45%,var(--card))}
.net summary{cursor:pointer;color:var(--dim);padding:.15rem;min-height:1.6rem;
max-width:min(42rem,84vw)}
.net .in{display:flex;flex-direction:column;gap:.35rem;align-items:stretch;margin-top:.25rem}
.net .leaf{max-width:min(42rem,84vw)}
.net .seq{gap:0}
.net .seq>*{position:relative;padding-top:1.1rem}
.net .seq>*::before,.net .side>*::before{content:'';position:absolute;left:1.2rem;width:0;
border-left:2px solid var(--edge)}
.net .seq>*::before{top:0;height:1rem}
.net .seq>*::after,.net .side>*::after{content:'';position:absolute;left:calc(1.2rem - 4px);
border:5px solid transparent;border-top:7px solid var(--edge);border-bottom:0;width:0;height:0}
.net .seq>*::after{top:.55rem}
.net .seq>:last-child{padding-bottom:.3rem}
.net .in.side{flex-direction:row;align-items:stretch;gap:.5rem;border:solid var(--edge);
border-width:2px 0;width:max-content;min-width:100%}
.net .in.side>*{flex:1 0 auto;min-width:8rem;max-width:min(24rem,75vw);position:relative;
padding:1rem 0 .9rem}
.net .in.side>:has(.side,.dag){max-width:none}
.net .side>*::before{top:0;bottom:0}
.net .side>*>*{position:relative;z-index:1}
.net .side>*::after{top:.45rem}
.net .in.dag{gap:0}
.net .wire{position:relative;scroll-margin:4rem}
.net .wire>div{padding:0 0 .45rem;min-height:2.2rem}
.net .wire:target>div>:first-child{outline:3px solid var(--accent)}
.net .lanes{position:absolute;left:0;top:0;height:calc(100% + 1px)}
.net .wire .leaf,.net .wire .from{max-width:min(42rem,72vw)}
.net .lanes line{stroke-width:2;stroke:var(--edge)}
.net .lanes .l1{stroke:var(--e1)}.net .lanes .l2{stroke:var(--e2)}.net .lanes .l3{stroke:var(--e3)}
.net .lanes .l4{stroke:var(--e4)}.net .lanes .l5{stroke:var(--e5)}
.net .tip{fill:var(--edge)}
.net .dot{display:inline-block;padding:.1rem .6rem;border-radius:1rem;color:var(--dim);
background:var(--card)}
.net .from{font-size:.95em;padding:0 .3rem}
.net .from a{display:inline-block;padding:.1rem 0}
.net .leaf{background:var(--card);padding:.25rem .45rem;overflow-wrap:anywhere}
.net .leaf.bad,.net details.bad{border:2px solid var(--bad);color:inherit}
.net .again{border-style:dashed}
.tie{display:inline-block;border-radius:1rem;padding:0 .5rem;font-weight:600;
color:hsl(var(--h) 75% var(--tie-l));border:2px solid currentColor;margin:.1rem .2rem .1rem 0;
white-space:nowrap}
.hot{box-shadow:0 0 0 3px hsl(var(--h) 75% var(--tie-l))}
button[data-all]{font:inherit;min-height:2.5rem;padding:.3rem .8rem;border:1px solid var(--line);
border-radius:.4rem;background:var(--card);color:inherit;cursor:pointer}
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
for (const button of document.querySelectorAll('button[data-all]')) {
  button.addEventListener('click', () => {
    const net = button.parentElement.nextElementSibling;
    for (const box of net.querySelectorAll('details')) box.open = button.dataset.all === '1';
    if (button.dataset.all === '0') net.querySelector('details').open = true;
  });
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
