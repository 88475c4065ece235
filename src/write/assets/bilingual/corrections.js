// Corrections: typed in the place of a sentence, kept in the browser until they are saved to a file.
const KEPT = `tarjuman:${main.dataset.digest || main.dataset.document}`;
const line = (text) => text.split(/\s+/u).filter(Boolean).join(' ');

// By sentence: `correction` (empty: an earlier correction is taken back) and whether it was `saved` to a file.
const corrections = new Map();
let isKept = true;
const unsaved = () => [...corrections.values()].filter(({ saved }) => !saved).length;

// Arabic in English as the page has it: isolated, so that numbers beside it stay in their place.
const isolated = (text) => text.split(/((?:\p{Script=Arabic}[\p{M} ]*)*\p{Script=Arabic}\p{M}*)/u).map((part, at) => {
  if (at % 2 === 0) return part;
  const arabic = document.createElement('bdi');
  [arabic.lang, arabic.dir, arabic.textContent] = ['ar', 'rtl', part];
  return arabic;
});

const show = (sentence) => {
  const { english, notes, target } = sentence;
  sentence.original ??= content(english);
  const correction = corrections.get(sentence)?.correction;
  const isNew = Boolean(correction) && correction !== target;
  english.replaceChildren(english.firstChild, ...(isNew ? isolated(correction) : sentence.original));
  mark(sentence, 'settled', correction !== undefined);
  english.classList.toggle('corrected', isNew);
  english.classList.toggle('accepted', correction !== undefined && correction === target);
  english.classList.toggle('withdrawn', correction === '');
  english.title = isNew ? `corrected here; it was: ${target || 'not translated'}` : sentence.origin;
  for (const note of notes) note.classList.toggle('done', correction !== undefined);
  sentence.folded = undefined;
};

const report = () => {
  const [all, left] = [corrections.size, unsaved()];
  const lost = isKept ? '' : '. This browser keeps nothing: save them before you close the page';
  byId('corrections').textContent = `${all} correction${all === 1 ? '' : 's'}, ${left ? `${left} not saved` : 'saved'}${lost}`;
  byId('csv').parentElement.hidden = all === 0;
  count('corrected', all);
  search();
};

// Writes down the corrections of these sentences, and leaves alone what another window has written.
const keep = (changed) => {
  const all = store.read(KEPT);
  for (const sentence of changed) {
    const { number, target } = sentence;
    const { correction, saved } = corrections.get(sentence) ?? {};
    if (correction === undefined) delete all[number];
    else all[number] = { source: textOf(sentence.source), target, correction, saved };
  }
  if (Object.keys(all).length) isKept = store.write(KEPT, all);
  else store.remove(KEPT);
  report();
};

// `text` is to stand; `undefined`: nothing is to change.
const correct = (sentence, text) => {
  if (text === undefined) corrections.delete(sentence);
  else corrections.set(sentence, { correction: text, saved: false });
  show(sentence);
  keep([sentence]);
};

const isDone = ({ reviewed, target }, correction) => correction ? reviewed && correction === target : !reviewed;
const load = () => {
  const before = [...corrections.keys()];
  corrections.clear();
  const done = [];
  for (const [number, kept] of Object.entries(store.read(KEPT))) {
    const { source, correction, saved } = Object(kept);
    const sentence = sentences[number - 1];
    if (!sentence || typeof correction !== 'string' || source !== textOf(sentence.source)) continue;
    // What a run has taken in since then stands in the page and needs no keeping.
    if (isDone(sentence, correction)) done.push(sentence);
    else corrections.set(sentence, { correction, saved: saved === true });
  }
  for (const sentence of new Set([...before, ...corrections.keys()])) show(sentence);
  if (done.length) keep(done);
  else report();
};
addEventListener('storage', ({ key }) => { if (key === KEPT || key === null) load(); });

// The box that is open: its sentence, and what ends it.
let editing;
const button = (label, title, action) => {
  const made = document.createElement('button');
  [made.type, made.textContent, made.title] = ['button', label, title];
  made.addEventListener('click', action);
  return made;
};
const edit = (sentence) => {
  if (!sentence || editing?.sentence === sentence) return;
  endEdit();
  choose(sentence);
  if (root.dataset.layout === 'arabic') changeLayout('columns');
  const { english, number, source, target } = sentence;
  const before = corrections.get(sentence)?.correction ?? target;
  const box = document.createElement('span');
  box.className = 'edit';
  const area = document.createElement('textarea');
  [area.value, area.lang, area.dir, area.rows, area.spellcheck] = [before, 'en', 'ltr', 1, true];
  area.setAttribute('aria-label', `Correction of sentence ${number}`);
  area.setAttribute('aria-describedby', source.id);
  const grow = () => {
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight + 2}px`;
  };
  area.addEventListener('input', grow);
  const buttons = document.createElement('span');
  buttons.className = 'buttons';
  const leave = () => choose(sentence, { focus: true });
  buttons.append(button('Keep', 'Enter', () => { endEdit(); leave(); }));
  buttons.append(button('Cancel', 'Esc', () => { endEdit(false); leave(); }));
  if (corrections.has(sentence)) {
    buttons.append(button('As it was', 'take the correction back', () => { endEdit(false); correct(sentence); leave(); }));
  }
  box.append(area, buttons);
  const hidden = content(english);
  english.replaceChildren(english.firstChild, box);
  editing = { sentence, area, before, restore: () => english.replaceChildren(english.firstChild, ...hidden) };
  english.classList.add('editing');
  box.addEventListener('focusout', ({ relatedTarget }) => {
    // What was typed is kept when something else is clicked, but not when another window comes to the front.
    if (editing?.area === area && !box.contains(relatedTarget) && document.hasFocus()) endEdit();
  });
  area.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Escape') { endEdit(false); leave(); }
    else if (event.key === 'Enter') {
      endEdit();
      if (event.ctrlKey || event.metaKey) edit(go(beside(toCheck(), 1)));
      else leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  grow();
  area.focus({ preventScroll: true });
  box.scrollIntoView({ block: 'nearest' });
};
// Closes the box and, unless told otherwise, keeps what was typed.
const endEdit = (keepIt = true) => {
  if (!editing) return;
  const { sentence, area, before, restore } = editing;
  editing = undefined;
  sentence.english.classList.remove('editing');
  restore();
  const typed = line(area.value);
  if (!keepIt || typed === line(before)) return;
  // Emptied, or typed as the page has it: nothing is to change, unless an earlier run's correction is taken back.
  correct(sentence, typed === line(sentence.target) || (!typed && !sentence.reviewed) ? undefined : typed);
};

// Says that a sentence is right as it stands, or takes that back.
const accept = (sentence) => {
  endEdit();
  if (!sentence?.target) return;
  correct(sentence, corrections.get(sentence)?.correction === sentence.target ? undefined : sentence.target);
};

byId('correct').addEventListener('click', () => edit(chosen));
byId('accept').addEventListener('click', () => accept(chosen));
byId('forget').addEventListener('click', () => {
  const all = corrections.size;
  if (!confirm(`Take back ${all === 1 ? 'the correction' : `all ${all} corrections`} of this page?`)) return;
  const gone = [...corrections.keys()];
  corrections.clear();
  gone.forEach(show);
  keep(gone);
});
addEventListener('pagehide', () => endEdit());
addEventListener('beforeunload', (event) => {
  endEdit();
  if (unsaved()) event.preventDefault();
});
