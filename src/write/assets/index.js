// Narrows the list to what is typed and chosen, and puts it into order.
'use strict';
(() => {
  const form = document.querySelector('.find');
  if (!form) return;
  const list = document.querySelector('.reports');
  const reports = [...list.children];
  const said = (report) => [...report.querySelectorAll('h2, .headline, .path, .likes')].map((part) => part.textContent).join(' ');
  const texts = new Map(reports.map((report) => [report, said(report).toLowerCase()]));
  const [words, risk, order, shown] = ['words', 'risk', 'order', 'shown'].map((id) => document.getElementById(id));
  const [once, news] = ['once', 'news'].map((id) => document.getElementById(id));
  const weight = (report) => Number(report.dataset.weight || 0);
  const narrow = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    // What is looked for is shown, near-duplicate or not: the one that stands for it may not be what is wanted.
    const isLookedFor = wanted.length > 0 || risk.value || (news && news.checked);
    let count = 0;
    for (const report of reports) {
      const fits = wanted.every((word) => texts.get(report).includes(word))
        && (!risk.value || report.dataset.risk === risk.value)
        && !(news && news.checked && !report.dataset.news)
        && !(once && once.checked && !isLookedFor && report.classList.contains('like'));
      report.hidden = !fits;
      if (fits) count += 1;
    }
    shown.textContent = count === reports.length ? '' : `${count} of ${reports.length}`;
  };
  const sort = () => {
    // Sorting is stable: reports of one weight stay in the order of their names.
    const sorted = order.value === 'risk' ? [...reports].sort((a, b) => weight(b) - weight(a)) : reports;
    list.append(...sorted);
  };
  form.addEventListener('input', narrow);
  order.addEventListener('change', sort);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.hidden = false;
  // What the browser kept of an earlier visit.
  narrow();
  sort();
})();
