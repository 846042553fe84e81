'use strict';
// All is in the page already. This says how long ago times were, adds sorting to every table and a filter to those of
// tasks, and lets commands be copied and rows be taken along.

const UNITS = [['d', 86400], ['h', 3600], ['m', 60], ['s', 1]];

/** The two largest units: `3d 4h`, `15m`, `0s`. */
function duration(seconds) {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const parts = UNITS.slice(first, first < 0 ? 0 : first + 2).map(([unit, size], at) =>
    [Math.floor((at ? seconds % UNITS[first][1] : seconds) / size), unit]);
  return parts.filter(([count]) => count).map(part => part.join('')).join(' ') || '0s';
}

/** How far off every time is; and what is told only from a time on. */
function tellTimes() {
  const now = Math.floor(Date.now() / 1000);
  document.querySelectorAll('time').forEach(time => {
    const ahead = Math.floor(Date.parse(time.textContent) / 1000) - now;
    time.dataset.age = ahead > 0 ? `in ${duration(ahead)}` : `${duration(-ahead)} ago`;
  });
  document.querySelectorAll('[data-from]').forEach(part => { part.hidden = Date.parse(part.dataset.from) / 1000 > now; });
}

const UNSORTED = 'none', UP = 'ascending', DOWN = 'descending';
const NEXT = { [UNSORTED]: UP, [UP]: DOWN, [DOWN]: UNSORTED };

const collator = new Intl.Collator('en', { numeric: true });
const byNumber = (one, other) => one - other;
const ORDERS = {
  text: { key: cell => cell.textContent, compare: collator.compare, missing: key => key === '' },
  number: { key: cell => parseInt(cell.textContent, 10), compare: byNumber, missing: Number.isNaN },
  age: { key: cell => -Date.parse(cell.querySelector('time')?.textContent), compare: byNumber, missing: Number.isNaN },
};

/** Rows in the order of one column; those that have nothing there come last, whichever way it goes. */
function sorted(rows, column, order, direction) {
  const { key, compare, missing } = ORDERS[order];
  const keyed = rows.map(row => ({ row, key: key(row.cells[column]) }));
  const empty = keyed.filter(entry => missing(entry.key));
  const full = keyed.filter(entry => !missing(entry.key));
  const sign = direction === UP ? 1 : -1;
  full.sort((one, other) => sign * compare(one.key, other.key));
  return [...full, ...empty].map(entry => entry.row);
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const planned = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent;
    button.addEventListener('click', () => {
      const direction = NEXT[heading.ariaSort ?? UNSORTED];
      headings.forEach(each => each.removeAttribute('aria-sort'));
      if (direction !== UNSORTED) heading.ariaSort = direction;
      const rows = direction === UNSORTED ? planned : sorted(planned, column, heading.dataset.sort, direction);
      // One by one: Chromium takes thirty times as long for a fragment, or for all in one call.
      rows.forEach(row => body.append(row));
    });
    heading.replaceChildren(button);
  });
}

/** What the filter knows of a row: its text, and for each choice the values that it stands for. */
function entryOf(row, choices) {
  const values = new Map();
  choices.forEach(([name, column]) => {
    const cell = row.cells[column];
    const codes = cell.getElementsByTagName('code');
    values.set(name, codes.length ? Array.from(codes, code => code.textContent) : [cell.textContent]);
  });
  return { row, values, text: Array.from(row.cells, cell => cell.textContent).join('\n').toLowerCase() };
}

function makeFilter(area) {
  const controls = area.querySelector('.controls');
  const [search, output] = ['input', 'output'].map(name => controls.querySelector(name));
  const [clear, download] = controls.querySelectorAll('button');
  const selects = [...controls.querySelectorAll('select')];
  const groups = Array.from(area.querySelectorAll('table'), table => {
    const choices = Array.from(table.tHead.rows[0].cells, (cell, column) => [cell.dataset.choice, column]);
    const named = choices.filter(([name]) => name);
    const shown = table.caption.appendChild(document.createElement('span'));
    return { entries: Array.from(table.tBodies[0].rows, row => entryOf(row, named)), shown };
  });
  const entries = groups.flatMap(group => group.entries);

  selects.forEach(select => {
    const values = new Set(entries.flatMap(entry => entry.values.get(select.dataset.choice) ?? []));
    values.delete('');
    [...values].sort(collator.compare).forEach(value => select.append(new Option(value, value)));
  });

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter(select => select.value).map(select => [select.dataset.choice, select.value]);
    const matches = entry =>
      words.every(word => entry.text.includes(word)) &&
      wanted.every(([name, value]) => entry.values.get(name)?.includes(value));
    let total = 0;
    groups.forEach(group => {
      const found = new Set(group.entries.filter(matches));
      group.entries.forEach(entry => {
        const hidden = !found.has(entry);
        if (entry.row.hidden !== hidden) entry.row.hidden = hidden;
      });
      group.shown.textContent = found.size < group.entries.length ? `, ${found.size} shown` : '';
      total += found.size;
    });
    output.textContent = `${total} of ${entries.length} rows`;
  }

  // The filter stands in the fragment of the address, so that it can be passed on: #policy=p&status=pending
  const fields = [['filter', search], ...selects.map(select => [select.dataset.choice, select])];

  function read() {
    if (!location.hash.includes('=')) return;
    const wanted = new URLSearchParams(location.hash.slice(1));
    fields.forEach(([name, control]) => { control.value = wanted.get(name) ?? ''; });
    selects.filter(select => select.selectedIndex < 0).forEach(select => { select.value = ''; });
    apply();
    area.scrollIntoView();
  }

  function applyAndWrite() {
    apply();
    const wanted = new URLSearchParams(fields.map(([name, control]) => [name, control.value]).filter(([, value]) => value));
    history.replaceState(null, '', `#${wanted}`);
  }

  controls.addEventListener('input', applyAndWrite);
  clear.addEventListener('click', () => {
    fields.forEach(([, control]) => { control.value = ''; });
    applyAndWrite();
    search.focus();
  });
  download.addEventListener('click', () => save(csv(area), 'tasks.csv'));
  addEventListener('hashchange', read);
  controls.hidden = false;
  apply();
  read();
}

/** The rows in sight as CSV (RFC 4180), under the headings of all tables. A cell that would be a formula gets a quote. */
function csv(area) {
  const tables = [...area.querySelectorAll('table')];
  const headings = tables.map(table => Array.from(table.tHead.rows[0].cells, cell => cell.textContent));
  const columns = ['list', ...new Set(headings.flat())];
  const lines = tables.flatMap((table, at) => Array.from(table.tBodies[0].rows).filter(row => !row.hidden).map(row => {
    const cells = new Map(headings[at].map((heading, column) => [heading, lineOf(row.cells[column])]));
    cells.set('list', table.closest('section').id);
    return columns.map(column => cells.get(column) ?? '');
  }));
  const quoted = cell => `"${cell.replace(/^(?=[=+\-@\t\r\n])/, "'").replaceAll('"', '""')}"`;
  return [columns, ...lines].map(cells => cells.map(quoted).join(',')).join('\r\n') + '\r\n';
}

const lineOf = cell => Array.from(cell.childNodes, node => node.nodeName === 'BR' ? '; ' : node.textContent).join('');

function save(text, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

function makeCopyable(command) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    getSelection().selectAllChildren(command);
    await navigator.clipboard.writeText(command.textContent);
    button.textContent = 'Copied';
  });
  command.after(button);
}

tellTimes();
setInterval(tellTimes, 60_000);
document.querySelectorAll('.filtered').forEach(makeFilter);
document.querySelectorAll('table').forEach(makeSortable);
if (navigator.clipboard) document.querySelectorAll('pre').forEach(makeCopyable);
