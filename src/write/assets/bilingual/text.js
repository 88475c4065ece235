// The sentences of the page: which English belongs to which Arabic, what is known of them, and the one that is chosen.
const byId = (id) => document.getElementById(id);
const main = document.querySelector('main');

// What the browser keeps of the page. Private windows and some browsers refuse it to files: then nothing is kept.
const store = {
  read(key) {
    try { return Object(JSON.parse(localStorage.getItem(key))); } catch { return {}; }
  },
  write(key, value) {
    try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; }
  },
  remove(key) {
    try { localStorage.removeItem(key); } catch { /* then nothing was kept */ }
  },
};

// The nodes of a side behind its number, and their text.
const content = (side) => [...side.childNodes].slice(1);
const textOf = (side) => content(side).map((node) => node.textContent).join('');

const sources = document.querySelectorAll('.ar .u');
const sentences = [...document.querySelectorAll('.en .u')].map((english, at) => {
  const is = (...names) => names.some((name) => english.classList.contains(name));
  return {
    number: at + 1,
    english,
    source: sources[at],
    row: english.closest('.row'),
    notes: [],
    origin: english.title,
    // Empty where the Arabic stands in its place.
    target: english.querySelector('.missing') ? '' : textOf(english).trim(),
    reviewed: is('reviewed'),
    risk: is('doubtful') ? 'high' : is('repaired', 'unsure') ? 'medium' : 'low',
    fits: true,
    hit: false,
  };
});
for (const note of document.querySelectorAll('.notes li')) {
  sentences[note.querySelector('a').textContent - 1].notes.push(note);
}
const sentenceOf = (node) => {
  const side = node instanceof Element ? node.closest('.u') : null;
  return side ? sentences[side.id.slice(1) - 1] : undefined;
};
const mark = (sentence, name, on) => {
  for (const side of [sentence?.english, sentence?.source]) side?.classList.toggle(name, on);
};

let touched;
const touch = (sentence) => {
  if (sentence === touched) return;
  mark(touched, 'on', false);
  mark(sentence, 'on', true);
  touched = sentence;
};

let chosen;
const shownSide = ({ english, source }) => [english, source].find((side) => side.getClientRects().length > 0);
const choose = (sentence, { scroll = false, focus = false } = {}) => {
  mark(chosen, 'chosen', false);
  mark(sentence, 'chosen', true);
  chosen = sentence;
  if (sentence && !isShown(sentence)) setFilter('all');
  const side = sentence && shownSide(sentence);
  if (side && scroll) side.scrollIntoView({ block: 'center' });
  if (side && focus) {
    // A screen reader says the sentence, then its source, then where we are.
    side.tabIndex = -1;
    side.setAttribute('aria-describedby', `${side === sentence.english ? sentence.source.id : ''} position`);
    side.focus({ preventScroll: true });
  }
  say();
};
