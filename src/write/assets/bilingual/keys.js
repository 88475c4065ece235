// Pointer, keyboard and address; then the page is made ready.
const go = (sentence, focus = true) => {
  if (sentence) choose(sentence, { scroll: true, focus });
  return sentence;
};
const step = (by) => go(beside(sentences.filter(isShown), by));

document.addEventListener('mouseover', ({ target }) => touch(sentenceOf(target)));
document.addEventListener('focusin', ({ target }) => touch(sentenceOf(target)));
main.addEventListener('click', ({ target }) => {
  if (target.closest('a, .edit') || String(getSelection())) return;
  choose(sentenceOf(target));
});
main.addEventListener('dblclick', ({ target }) => {
  if (!target.closest('.en .u') || target.closest('.edit')) return;
  getSelection().removeAllRanges();
  edit(sentenceOf(target));
});
byId('next').addEventListener('click', () => go(beside(toCheck(), 1), false));
byId('previous').addEventListener('click', () => go(beside(toCheck(), -1), false));

const help = byId('keys');
byId('help').addEventListener('click', () => help.showModal());
byId('keys-close').addEventListener('click', () => help.close());

const keys = {
  n: () => go(beside(toCheck(), 1)),
  p: () => go(beside(toCheck(), -1)),
  j: () => step(1),
  k: () => step(-1),
  e: () => edit(chosen),
  a: () => accept(chosen),
  f: () => changeFilter(nextOf(filter)),
  v: () => changeLayout(nextOf(layout)),
  '/': () => { words.focus(); words.select(); },
  '?': () => help.showModal(),
  Escape: () => choose(),
};
document.addEventListener('keydown', (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, key)) return;
  if (help.open || target.closest?.('input, select, textarea')) return;
  event.preventDefault();
  keys[key]();
});

const fromAddress = () => {
  const number = /^#[us](\d+)$/u.exec(location.hash)?.[1];
  if (number) go(sentences[number - 1], false);
};
addEventListener('hashchange', fromAddress);
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((details) => { details.open = true; }));

const view = store.read(VIEW);
if (['light', 'dark'].includes(view.theme)) root.dataset.theme = view.theme;
const isNarrow = matchMedia('(max-width: 46rem)').matches;
setLayout([...layout.options].some(({ value }) => value === view.layout) ? view.layout : isNarrow ? 'lines' : 'columns');
count('found', 0);
load();
fromAddress();
for (const bar of document.querySelectorAll('.bar, .work')) bar.hidden = false;
