// Corrections as files: a table with the columns of review.csv, and TMX 1.4b.
const inOrder = () => [...corrections.keys()].sort((a, b) => a.number - b.number);

// As src/sheet.rs writes: what a spreadsheet would compute gets an apostrophe, and what would lose its own gets another.
const cell = (text) => {
  const harmless = /^'?[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};
const why = ({ notes, origin }) => {
  const said = notes.map((note) => {
    // Number, space, label, detail.
    const [, , label, ...detail] = note.childNodes;
    return `${label.textContent}: ${detail.map((node) => node.textContent).join('').trim()}`;
  });
  return [...said, ...(origin ? [origin] : [])].join('; ');
};
const table = () => {
  const rows = inOrder().map((sentence) => [
    corrections.get(sentence).correction, sentence.target, textOf(sentence.source), sentence.risk, why(sentence),
    main.dataset.document, String(sentence.number),
  ]);
  const columns = ['correction', 'english', 'arabic', 'risk', 'why', 'document', 'sentence'];
  return `\ufeff${[columns, ...rows].map((row) => `${row.map(cell).join(',')}\n`).join('')}`;
};

const escaped = (text) => text
  .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
  .replace(/[&<>"]/gu, (sign) => `&#${sign.codePointAt(0)};`);
const memory = () => {
  const version = document.querySelector('meta[name="generator"]').content.split(' ')[1];
  const side = (lang, text) => `   <tuv xml:lang="${lang}"><seg>${escaped(text)}</seg></tuv>\n`;
  const units = inOrder().filter((sentence) => corrections.get(sentence).correction).map((sentence) =>
    `  <tu>\n${side('ar', textOf(sentence.source))}${side('en', corrections.get(sentence).correction)}  </tu>\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n <header creationtool="tarjuman" creationtoolversion="${
    escaped(version)}" segtype="sentence" o-tmf="tarjuman" adminlang="en" srclang="ar" datatype="plaintext"/>\n <body>\n${
    units.join('')} </body>\n</tmx>\n`;
};

const save = (suffix, type, make) => {
  endEdit();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([make()], { type }));
  link.download = `${main.dataset.document.split('/').at(-1)}.corrections.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  for (const correction of corrections.values()) correction.saved = true;
  keep([...corrections.keys()]);
};
byId('csv').addEventListener('click', () => save('csv', 'text/csv', table));
byId('tmx').addEventListener('click', () => save('tmx', 'application/x-tmx+xml', memory));
