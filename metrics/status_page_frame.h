#pragma once

#include <string_view>

/// What of the status page does not change: its style and its script.
namespace hydrapool::metrics {

inline constexpr std::string_view kStatusPageStyle = R"css(
:root { color-scheme: light dark; --fg: #1a1d21; --bg: #fbfbfa; --line: #d5d8dc; --dim: #5b636d;
  --good: #11663a; --warn: #7a4b00; --bad: #b3161b; --badbg: #fde8e8; --goodbg: #e3f4ea; --warnbg: #fdf1dc; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e8ea; --bg: #14171a; --line: #363c43; --dim: #a0a8b1;
  --good: #6fd39b; --warn: #f0bd62; --bad: #ff8f8f; --badbg: #4a1518; --goodbg: #12351f; --warnbg: #3d2c0a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; color: var(--fg); background: var(--bg);
  font: 15px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: baseline; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px;
  padding: .1rem .6rem; margin-left: auto; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
a { color: inherit; } .dim { color: var(--dim); }
.good, .warn, .bad { padding: 0 .45em; border-radius: 4px; font-weight: 600; white-space: nowrap; }
.good { color: var(--good); background: var(--goodbg); } .warn { color: var(--warn); background: var(--warnbg); }
.bad { color: var(--bad); background: var(--badbg); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .5rem; margin: .8rem 0 0; }
.facts div { border: 1px solid var(--line); border-radius: 4px; padding: .35rem .6rem; }
.facts dt { color: var(--dim); font-size: .8rem; }
.facts dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--dim); font-size: .85rem; } .text { text-align: left; }
tr.frozen th, tr.frozen td { background: var(--badbg); }
#lost { display: none; margin: .8rem 0 0; padding: .4rem .7rem; }
.stale #lost { display: block; } .stale main { opacity: .45; }
)css";

inline constexpr std::string_view kStatusPageScript = R"js(
'use strict';
(() => {
  const pause = document.getElementById('pause'), lost = document.getElementById('lost');
  let paused = false, before = null, answeredAt = performance.now(), failedSince = null;
  pause.hidden = false;
  pause.onclick = () => {
    paused = !paused;
    before = null;
    pause.textContent = paused ? 'Go on' : 'Pause';
    pause.setAttribute('aria-pressed', String(paused));
  };
  const counts = root => new Map([...root.querySelectorAll('[data-n]')].map(e => [e.dataset.n, Number(e.dataset.v)]));
  const write = rate => rate >= 100 ? rate.toFixed(0) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2);
  const addRates = (root, now) => {
    const after = counts(root);
    if (before) {
      for (const cell of root.querySelectorAll('[data-rate]')) {
        const key = cell.dataset.rate;
        if (!before.counts.has(key) || !after.has(key)) continue;
        const rate = (after.get(key) - before.counts.get(key)) / ((now - before.at) / 1000);
        cell.textContent = rate < 0 ? '' : cell.dataset.unit === '%' ? (rate * 100).toFixed(0) + ' %' : write(rate);
      }
    }
    before = { counts: after, at: now };
  };
  // What does not change stays: with its focus, its selection, and the place of one who reads it aloud.
  const morph = (old, now) => {
    if (old.nodeName !== now.nodeName) return old.replaceWith(now);
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of now.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const before = [...old.childNodes], after = [...now.childNodes];
    after.forEach((node, i) => i < before.length ? morph(before[i], node) : old.append(node));
    before.slice(after.length).forEach(node => node.remove());
  };
  const show = text => {
    const page = new DOMParser().parseFromString(text, 'text/html');
    const main = page.querySelector('main'), state = page.getElementById('state');
    if (!main || !state) throw new Error('no status page');
    addRates(main, performance.now());
    morph(document.querySelector('main'), main);
    morph(document.getElementById('state'), state);
  };
  const answers = yes => {
    document.body.classList.toggle('stale', !yes);
    if (yes) {
      failedSince = null;
      lost.replaceChildren();
      return;
    }
    failedSince ??= performance.now();
    before = null;
    if (!lost.hasChildNodes()) {  // said once: the seconds are for those who see them
      const seconds = document.createElement('span');
      seconds.setAttribute('aria-hidden', 'true');
      lost.append('The pool does not answer: what is shown is old.', seconds);
    }
    lost.lastChild.textContent = ' For ' + Math.round((performance.now() - failedSince) / 1000) + ' s.';
  };
  const look = async () => {
    if (!paused && !document.hidden) {
      try {
        const answer = await fetch(location.pathname, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
        if (!answer.ok) throw new Error(String(answer.status));
        show(await answer.text());
        answers(true);
      } catch {
        answers(false);
      }
    }
    setTimeout(look, 500);
  };
  before = { counts: counts(document), at: answeredAt };
  setTimeout(look, 500);
})();
)js";

}  // namespace hydrapool::metrics
