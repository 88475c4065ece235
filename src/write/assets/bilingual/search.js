// Search in both languages at once, whatever the case, accents, diacritics, tatweel and forms of letters.
const ALIKE = { 'ٱ': 'ا', 'ى': 'ي', 'ی': 'ي', 'ک': 'ك', 'ة': 'ه', '’': "'", '‘': "'", '“': '"', '”': '"' };
const folds = new Map();
const foldSign = (sign) => {
  if (!folds.has(sign)) {
    // Decomposed, alefs with hamza or madda are an alef and a mark.
    const bare = [...sign.normalize('NFKD').toLowerCase()].filter((c) => !/[\p{M}\p{Cf}ـ]/u.test(c));
    const digit = (c) => /[٠-٩۰-۹]/u.test(c) ? String(c.charCodeAt(0) & 15) : c;
    folds.set(sign, bare.map((c) => /\s/u.test(c) ? ' ' : ALIKE[c] ?? digit(c)).join(''));
  }
  return folds.get(sign);
};
// `starts`, where given, gets for each folded sign where the sign it comes from begins.
const fold = (text, starts) => {
  let [folded, at] = ['', 0];
  for (const sign of text) {
    const plain = foldSign(sign);
    if (plain !== ' ' || !folded.endsWith(' ')) {
      folded += plain;
      for (let n = 0; starts && n < plain.length; n += 1) starts.push(at);
    }
    at += sign.length;
  }
  return folded;
};

const words = byId('words');
const found = byId('found');
const painted = ['found', 'found-chosen'].map((name) => {
  if (typeof Highlight === 'undefined') return undefined;
  const paint = new Highlight();
  CSS.highlights.set(name, paint);
  return paint;
});

// The stretches of a side that are `wanted`, as ranges over its text nodes.
const stretches = (side, wanted) => {
  const nodes = [];
  for (const node of content(side)) {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    if (node.nodeType === Node.TEXT_NODE) nodes.push(node);
    else while (walker.nextNode()) nodes.push(walker.currentNode);
  }
  const text = nodes.map(({ data }) => data).join('');
  const starts = [];
  const folded = fold(text, starts);
  starts.push(text.length);
  const place = (at, isEnd) => {
    for (const node of nodes) {
      if (at < node.length || (isEnd && at === node.length)) return [node, at];
      at -= node.length;
    }
    return [side, side.childNodes.length];
  };
  const ranges = [];
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + wanted.length)) {
    const [startContainer, startOffset] = place(starts[at], false);
    const [endContainer, endOffset] = place(starts[at + wanted.length], true);
    ranges.push(new StaticRange({ startContainer, startOffset, endContainer, endOffset }));
  }
  return ranges;
};

const isSearched = () => words.value.trim() !== '';
const paint = (sentence, on) => {
  if (!on) return;
  on.clear();
  if (!sentence?.hit) return;
  const wanted = fold(words.value.trim());
  for (const side of [sentence.english, sentence.source]) stretches(side, wanted).forEach((range) => on.add(range));
};
const sayFound = () => {
  const hits = filters.found.count;
  const at = chosen?.hit ? sentences.filter(({ hit, number }) => hit && number <= chosen.number).length : 0;
  found.textContent = !isSearched() ? '' : at ? `${at} of ${hits}` : hits ? `${hits} found` : 'none';
  paint(chosen, painted[1]);
};
const search = () => {
  const wanted = fold(words.value.trim());
  painted[0]?.clear();
  let hits = 0;
  for (const sentence of sentences) {
    const { english, source } = sentence;
    if (wanted) sentence.folded ??= [english, source].map((side) => fold(textOf(side)));
    const sides = [english, source].filter((_, at) => wanted && sentence.folded[at].includes(wanted));
    if (sentence.hit !== sides.length > 0) mark(sentence, 'hit', sides.length > 0);
    sentence.hit = sides.length > 0;
    if (sentence.hit) hits += 1;
    for (const side of painted[0] ? sides : []) stretches(side, wanted).forEach((range) => painted[0].add(range));
  }
  count('found', hits);
  if (filter.value === 'found') setFilter(hits ? 'found' : 'all');
  say();
};
let typing;
words.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(search, 120);
});
const goFound = (by, focus) => {
  clearTimeout(typing);
  search();
  go(beside(sentences.filter((sentence) => sentence.hit && isShown(sentence)), by), focus);
};
words.addEventListener('keydown', (event) => {
  if (event.isComposing) return;
  if (event.key === 'Enter') goFound(event.shiftKey ? -1 : 1, false);
  else if (event.key === 'Escape') {
    words.value = '';
    search();
    words.blur();
  } else return;
  event.preventDefault();
});
byId('found-next').addEventListener('click', () => goFound(1, false));
byId('found-previous').addEventListener('click', () => goFound(-1, false));
