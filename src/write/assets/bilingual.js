// Joins a sentence with its source (u12 with s12) under the pointer, the focus or the keyboard, and walks the flags.
'use strict';
(() => {
  const pair = (n) => ['u', 's'].map((side) => document.getElementById(side + n)).filter(Boolean);
  const numberOf = (node) => {
    const sentence = node instanceof Element ? node.closest('.u') : null;
    return sentence ? Number(sentence.id.slice(1)) : 0;
  };

  let touched = 0;
  const touch = (n) => {
    if (n === touched) return;
    pair(touched).forEach((side) => side.classList.remove('on'));
    pair(n).forEach((side) => side.classList.add('on'));
    touched = n;
  };
  document.addEventListener('mouseover', (event) => touch(numberOf(event.target)));
  document.addEventListener('focusin', (event) => touch(numberOf(event.target)));

  let chosen = 0;
  const choose = (n, scroll) => {
    pair(chosen).forEach((side) => side.classList.remove('chosen'));
    const sides = pair(n);
    sides.forEach((side) => side.classList.add('chosen'));
    chosen = sides.length ? n : 0;
    const shown = sides.find((side) => side.parentElement.offsetParent !== null);
    if (scroll && shown) shown.scrollIntoView({ block: 'center' });
    say();
  };
  document.querySelector('main').addEventListener('click', (event) => {
    if (event.target.closest('a') || String(getSelection())) return;
    choose(numberOf(event.target), false);
  });
  const fromAddress = () => {
    const found = /^#[us](\d+)$/.exec(location.hash);
    if (found) choose(Number(found[1]), false);
  };
  addEventListener('hashchange', fromAddress);

  // Numbers of the sentences with a note, in order.
  const flags = [...new Set([...document.querySelectorAll('.notes a')].map((a) => Number(a.textContent)))];
  const position = document.getElementById('position');
  const say = () => {
    if (!position) return;
    const at = flags.indexOf(chosen);
    position.textContent = at < 0 ? `${flags.length} to check` : `${at + 1} of ${flags.length}`;
  };
  const next = () => choose(flags.find((n) => n > chosen) ?? flags[0] ?? 0, true);
  const previous = () => choose(flags.findLast((n) => n < chosen) ?? flags.at(-1) ?? 0, true);
  const step = (by) => { if (pair(chosen + by).length) choose(chosen + by, true); };
  document.getElementById('next')?.addEventListener('click', next);
  document.getElementById('previous')?.addEventListener('click', previous);
  document.querySelector('.flags')?.removeAttribute('hidden');

  const keys = { n: next, p: previous, j: () => step(1), k: () => step(-1), Escape: () => choose(0, false) };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  fromAddress();
})();
