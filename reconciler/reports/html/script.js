'use strict';
// All rows are in the page already. This adds sorting to every table, and a filter to those of tasks.

const UNSORTED = 'none', UP = 'ascending', DOWN = 'descending';
const NEXT = { [UNSORTED]: UP, [UP]: DOWN, [DOWN]: UNSORTED };

const collator = new Intl.Collator('en', { numeric: true });
const byNumber = (one, other) => one - other;
const ORDERS = {
  text: { key: cell => cell.textContent, compare: collator.compare, missing: key => key === '' },
  number: { key: cell => parseInt(cell.textContent, 10), compare: byNumber, missing: Number.isNaN },
  age: { key: cell => -Date.parse(cell.querySelector('time')?.dateTime), compare: byNumber, missing: Number.isNaN },
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
  const [search, output, clear] = ['input', 'output', 'button'].map(name => controls.querySelector(name));
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

  controls.addEventListener('input', apply);
  clear.addEventListener('click', () => {
    [search, ...selects].forEach(control => { control.value = ''; });
    apply();
    search.focus();
  });
  controls.hidden = false;
  apply();
}

document.querySelectorAll('.filtered').forEach(makeFilter);
document.querySelectorAll('table').forEach(makeSortable);
