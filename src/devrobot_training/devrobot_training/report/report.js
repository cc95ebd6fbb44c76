// Copies commands and sorts tables; the page says everything without it.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.innerText);
    button.textContent = 'Copied';
  });
}
const value = (row, column) => row.cells[column]?.innerText.trim() ?? '';
const size = (text) => parseFloat(text.replace(/[\u202f,]/g, '').replace('−', '-'));
for (const head of document.querySelectorAll('table.figures thead th')) {
  head.tabIndex = 0;
  head.classList.add('sorts');
  const sort = () => {
    const body = head.closest('table').tBodies[0];
    const up = head.getAttribute('aria-sort') !== 'ascending';
    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const rows = [...body.rows].sort((one, two) => {
      const [a, b] = [value(one, head.cellIndex), value(two, head.cellIndex)];
      const order = size(a) - size(b);
      return (Number.isNaN(order) ? a.localeCompare(b) : order) * (up ? 1 : -1);
    });
    body.append(...rows);
  };
  head.addEventListener('click', sort);
  head.addEventListener('keydown', (event) => event.key === 'Enter' && sort());
}
// A link to something inside a folded stage opens it.
const unfold = () => document.getElementById(location.hash.slice(1))?.closest('details')?.setAttribute('open', '');
addEventListener('hashchange', unfold);
unfold();
