// Narrows the list to what is typed.
'use strict';
(() => {
  const form = document.querySelector('.find');
  if (!form) return;
  const reports = [...document.querySelectorAll('.reports > li')];
  const texts = reports.map((report) => report.textContent.toLowerCase());
  const [words, flagged, shown] = ['words', 'flagged', 'shown'].map((id) => document.getElementById(id));
  const narrow = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    reports.forEach((report, at) => {
      const fits = wanted.every((word) => texts[at].includes(word))
        && (!flagged.checked || report.classList.contains('has-flags'));
      report.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count === reports.length ? '' : `${count} of ${reports.length}`;
  };
  form.addEventListener('input', narrow);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.hidden = false;
})();
