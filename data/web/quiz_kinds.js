// One object for each kind of question: how it is drawn, read and marked. The rules of marking are those of
// course_labs.teaching.kinds, and a test holds both against one table of cases.
//   how       what one is asked to do
//   draw      (q, a, locked): rows of the form; a locked one shows what was right
//   read      (form, a, q): an answer, or a sentence that says what is missing
//   mark      (q, given): 0 to 1
//   keep      (form, a): what is typed but not checked yet, into `a`; it survives a reload
//   verdict   (q, given, right, a): more paragraphs under the verdict (may be missing)
//   compare   true: written first, then compared with a model answer by the one who wrote it (may be missing)
'use strict';

const fields = (form, name) => [...form.querySelectorAll(`[name=${name}]`)];
const ticked = (form, name) => fields(form, name).filter(o => o.checked).map(o => Number(o.value));
const signed = (good, text) => make('span', {class: 'mark ' + (good ? 'good' : 'bad')}, (good ? '✓ ' : '✗ ') + text + ' ');
const remark = (good, text, feedback) => make('p', {class: 'fb'}, signed(good, text), make('span', {html: feedback}));

// ---- options

function drawOption(o, k, type, chosen, locked) {
  const box = make('input', {type, name: 'answer', value: k, checked: chosen, disabled: locked});
  const row = make('label', {class: 'option'}, box, make('span', {html: o.html}));
  if (!locked) return row;
  const feedback = make('p', {class: 'fb'});
  const other = type === 'radio' ? 'the right answer' : 'holds too';
  if (o.right) feedback.append(signed(true, chosen ? 'your answer' : other));
  else if (chosen) feedback.append(signed(false, 'your answer'));
  if (o.right || chosen) row.classList.add(o.right ? 'is-right' : 'is-wrong');
  feedback.append(make('span', {html: o.feedback}));
  row.append(feedback);
  return row;
}

const single = {
  how: 'Choose one answer.',
  draw: (q, a, locked) => q.options.map((o, k) => drawOption(o, k, 'radio', a.given === k, locked)),
  read(form) { const chosen = ticked(form, 'answer'); return chosen.length ? chosen[0] : 'Choose an answer first.'; },
  mark: (q, given) => q.options[given].right ? 1 : 0,
  keep(form, a) { a.given = ticked(form, 'answer')[0]; },
};

const multi = {
  how: 'Choose every answer that holds: one or several.',
  draw: (q, a, locked) => q.options.map((o, k) => drawOption(o, k, 'checkbox', (a.given || []).includes(k), locked)),
  read(form) { const chosen = ticked(form, 'answer'); return chosen.length ? chosen : 'Choose at least one answer first.'; },
  mark: (q, given) => q.options.every((o, k) => o.right === given.includes(k)) ? 1 : 0,
  keep(form, a) { const chosen = ticked(form, 'answer'); a.given = chosen.length ? chosen : undefined; },
};

// ---- a number

const numeric = {
  how: 'Enter a number: 0.25, 0,25, 2e-3, 1/4 and 2 1/2 are all read.',
  draw(q, a, locked) {
    const input = make('input', {type: 'text', inputmode: 'decimal', autocomplete: 'off', name: 'answer', value: a.text || '',
      disabled: locked, 'aria-label': 'Your answer' + (q.unit ? ' in ' + q.unit : '')});
    return q.unit ? [input, ' ' + q.unit] : [input];
  },
  howRead: q => [Number.isInteger(q.tolerance), q.unit === '%'],
  read(form, a, q) {
    const typed = fields(form, 'answer')[0].value, given = readNumber(typed, ...numeric.howRead(q));
    return given === null ? askBack(typed, ...numeric.howRead(q)) : given;
  },
  mark: (q, given) => Math.abs(given - q.answer) <= q.tolerance + 1e-9 ? 1 : 0,
  keep(form, a) { a.text = fields(form, 'answer')[0].value; },
  feedback(q, given) {
    if (numeric.mark(q, given)) return [q.right];
    const near = Math.max(q.tolerance, 1e-9);
    const traps = q.traps.filter(t => Math.abs(t.value - given) <= near).map(t => t.feedback);
    return traps.length ? traps : [q.wrong];
  },
  verdict(q, given, right, a) {
    const rows = numeric.feedback(q, given).map(f => make('p', {html: f}));
    // a comma, or a point before three digits, may have been meant otherwise than it was read
    if (!right && /[,/ ]|[0-9]\.[0-9]{3}$/.test((a.text || '').trim())) rows.push(make('p', {}, `Your answer was read as ${given}.`));
    if (!right) rows.push(make('p', {}, `The answer is ${q.shown}${q.unit ? ' ' + q.unit : ''}.`));
    return rows;
  },
};

// ---- order and pairs

const order = {
  how: 'Put the rows in order with the buttons, first at the top.',
  draw(q, a, locked) {
    a.given = a.given || q.items.map((_, k) => k);
    const list = make('ol', {class: 'rows numbered'});
    const move = (k, place, d, sign, word) => {
      const text = q.items[k].text, disabled = place + d < 0 || place + d >= a.given.length;
      const onclick = () => {
        a.given.splice(place, 1);
        a.given.splice(place + d, 0, k);
        save();
        fill(k, d);
        say(`${text}: now ${place + d + 1} of ${a.given.length}`);
      };
      return make('button', {type: 'button', 'data-way': d, 'aria-label': `Move ${word}: ${text}`, disabled, onclick}, sign);
    };
    const row = (k, place) => {
      const o = q.items[k], good = o.place === place, li = make('li', {}, make('span', {class: 'what', html: o.html}));
      if (locked) li.append(remark(good, good ? 'right place' : `belongs in place ${o.place + 1}`, o.feedback));
      else {
        li.append(make('span', {class: 'moves'}, move(k, place, -1, '↑', 'up'), move(k, place, 1, '↓', 'down')));
        li.dataset.item = k;
      }
      return li;
    };
    function fill(focus, way) {
      list.replaceChildren(...a.given.map(row));
      if (focus === undefined) return;
      const moved = list.querySelector(`[data-item="${focus}"]`);
      (moved.querySelector(`[data-way="${way}"]:not(:disabled)`) || moved.querySelector('button:not(:disabled)')).focus();
    }
    fill();
    return [list];
  },
  read: (form, a) => a.given,
  mark: (q, given) => given.every((k, place) => q.items[k].place === place) ? 1 : 0,
  keep() {},
};

const match = {
  how: 'Choose a partner for each row.',
  draw(q, a, locked) {
    return [make('ul', {class: 'rows'}, ...q.pairs.map((p, row) => {
      const given = (a.given || [])[row], good = given === p.answer;
      const options = q.rights.map((r, k) => make('option', {value: k, selected: given === k}, r));
      const select = make('select', {name: 'answer', disabled: locked, 'aria-label': 'Partner of: ' + p.text},
        make('option', {value: ''}, 'choose …'), ...options);
      const li = make('li', {}, make('span', {class: 'what', html: p.html}), select);
      if (locked) li.append(remark(good, good ? 'right' : `belongs to: ${q.rights[p.answer]}`, p.feedback));
      return li;
    }))];
  },
  read(form) {
    const given = fields(form, 'answer').map(o => o.value);
    return given.includes('') ? 'Choose a partner for every row first.' : given.map(Number);
  },
  mark: (q, given) => given.every((k, row) => k === q.pairs[row].answer) ? 1 : 0,
  keep(form, a) { a.given = fields(form, 'answer').map(o => o.value === '' ? null : Number(o.value)); },
};

// ---- what one marks oneself

function drawText(a, locked, compare) {
  const open = a.stage !== 'compare' && !locked;
  const area = make('textarea', {name: 'text', 'aria-label': 'Your answer', disabled: !open}, a.text || '');
  return open ? [area] : [area, ...compare()];
}
const model = (title, ...rows) => make('div', {class: 'verdict'}, make('p', {}, make('strong', {}, title)), ...rows);
const asked = text => make('p', {class: 'how'}, text);
function keepText(form, a) { a.text = form.querySelector('[name=text]').value; }

const short = {
  how: 'Answer in a sentence or two, then compare with the model answer.',
  compare: true,
  draw: (q, a, locked) => drawText(a, locked, () => [
    model('Model answer', make('p', {html: q.model})),
    asked('Tick the points that your answer has:'),
    ...q.points.map((p, k) => {
      const checked = (a.given || [])[k];
      const box = make('input', {type: 'checkbox', name: 'point', value: k, checked, disabled: locked});
      return make('label', {class: 'option'}, box, make('span', {html: p}));
    }),
  ]),
  read: form => fields(form, 'point').map(o => o.checked),
  mark: (q, given) => given.filter(Boolean).length / q.points.length,
  keep: keepText,
};

const essay = {
  how: 'Write, then mark your text with the rubric.',
  compare: true,
  draw(q, a, locked) {
    const given = a.given || [];
    const criterion = (o, k) => {
      const text = make('span', {class: 'what'}, make('strong', {html: o.criterion}), make('br'), make('span', {html: o.full}));
      const choices = Array.from({length: o.marks + 1}, (_, m) =>
        make('option', {value: m, selected: given[k] === m}, `${m} of ${o.marks}`));
      return make('li', {}, text, make('select', {name: 'marks', disabled: locked, 'aria-label': 'Marks for ' + o.text}, ...choices));
    };
    return drawText(a, locked, () => [
      model('An outline', make('ul', {}, ...q.outline.map(o => make('li', {html: o})))),
      asked('Mark your text:'),
      make('ul', {class: 'rows'}, ...q.rubric.map(criterion)),
    ]);
  },
  read: form => fields(form, 'marks').map(o => Number(o.value)),
  mark(q, given) {
    const inside = q.rubric.map((o, k) => Math.min(Math.max(given[k], 0), o.marks));
    return inside.reduce((a, b) => a + b, 0) / q.rubric.reduce((a, o) => a + o.marks, 0);
  },
  keep: keepText,
};

const KINDS = {single, multi, numeric, order, match, short, essay};
