// How the page is shown: layout, light, and which sentences.
const VIEW = 'tarjuman';
const remember = (name, value) => store.write(VIEW, { ...store.read(VIEW), [name]: value });

const layout = byId('layout');
const setLayout = (name) => {
  layout.value = name;
  // Sentence by sentence, each pair and its notes stand at the place of its number.
  if (name === 'lines' && !setLayout.placed) {
    for (const { number, english, source, notes } of sentences) {
      for (const item of [english, source, ...notes]) item.style.order = number;
    }
    setLayout.placed = true;
  }
  document.documentElement.dataset.layout = name;
};
const changeLayout = (name) => {
  setLayout(name);
  remember('layout', name);
  const side = chosen && shownSide(chosen);
  if (side) side.scrollIntoView({ block: 'center' });
};
layout.addEventListener('change', () => changeLayout(layout.value));

const root = document.documentElement;
byId('theme').addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  remember('theme', root.dataset.theme);
});

// What can be shown. `walk`: it changes while one works, and `n` stops at what has been dealt with as well.
const filters = {
  all: { label: 'All sentences', fits: () => true },
  review: { label: 'To review', fits: ({ risk }) => risk !== 'low' },
  doubtful: { label: 'Doubtful', fits: ({ risk }) => risk === 'high' },
  flagged: { label: 'Flagged', fits: ({ notes }) => notes.length > 0 },
  corrected: { label: 'Corrected', fits: (sentence) => corrections.has(sentence), walk: true },
  found: { label: 'Found', fits: ({ hit }) => hit, walk: true },
};
const filter = byId('filter');
const count = (name, n) => {
  const { option, label } = filters[name];
  filters[name].count = n;
  option.text = `${label} (${n})`;
  option.disabled = n === 0;
};
for (const [name, kind] of Object.entries(filters)) {
  kind.option = new Option(kind.label, name);
  filter.add(kind.option);
  if (!kind.walk) count(name, sentences.filter(kind.fits).length);
}
const rows = document.querySelectorAll('.row');
const setFilter = (name) => {
  filter.value = name;
  const shown = new Set();
  for (const sentence of sentences) {
    sentence.fits = filters[name].fits(sentence);
    mark(sentence, 'aside', !sentence.fits);
    for (const note of sentence.notes) note.classList.toggle('aside', !sentence.fits);
    if (sentence.fits) shown.add(sentence.row);
  }
  for (const row of rows) row.hidden = name !== 'all' && !shown.has(row);
  say();
};
const changeFilter = (name) => {
  setFilter(name);
  const side = chosen && shownSide(chosen);
  if (side) side.scrollIntoView({ block: 'center' });
  else if (main.getBoundingClientRect().top < 0) main.scrollIntoView();
};
filter.addEventListener('change', () => changeFilter(filter.value));

// Beside what the filter shows, its paragraph stays for context; sentence by sentence it would be in the way.
const isShown = ({ fits, row }) => fits || (!row.hidden && layout.value !== 'lines');

// The next of a list of options that can be chosen.
const nextOf = ({ options, selectedIndex }) => {
  const open = [...options].filter(({ disabled }) => !disabled);
  return (open.find(({ index }) => index > selectedIndex) ?? open[0]).value;
};

// The way through what is to be checked: what the filter shows or, where it shows all, what is doubtful.
const toCheck = () => {
  const { fits, walk } = filters[filter.value === 'all' ? 'doubtful' : filter.value];
  return sentences.filter((sentence) => fits(sentence) && (walk || !corrections.has(sentence)));
};
// The sentence of `list` before or behind the one that is chosen, round the end.
const beside = (list, by) => {
  const here = chosen?.number ?? 0;
  return by > 0 ? list.find(({ number }) => number > here) ?? list[0]
    : list.findLast(({ number }) => number < here) ?? list.at(-1);
};
const position = byId('position');
const say = () => {
  const left = toCheck().length;
  const said = [left ? `${left} to check` : 'nothing to check'];
  if (chosen) {
    const origin = corrections.has(chosen) ? '' : chosen.origin;
    said.unshift(`sentence ${chosen.number} of ${sentences.length}`, ...(origin ? [origin] : []));
  }
  position.textContent = said.join(' · ');
  byId('correct').parentElement.hidden = !chosen;
  sayFound();
  if (chosen) byId('accept').setAttribute('aria-pressed', corrections.get(chosen)?.correction === chosen.target);
};
