'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const store = makeStore('course_labs.quiz.' + data.key);
const questions = data.questions;
const HOW = {
  single: 'Choose one answer.', multi: 'Choose every answer that holds: one or several.', numeric: 'Enter a number: 0.25, 2e-3 and 1/4 are all read.',
  order: 'Put the rows in order with the buttons, first at the top.', match: 'Choose a partner for each row.',
  short: 'Answer in a sentence or two, then compare with the model answer.', essay: 'Write, then mark your text with the rubric.',
};

// answers[i]: {given, text, stage, score, first}; score stays undefined until the answer was checked
function fresh() { return {at: 0, round: questions.map((_, i) => i), answers: questions.map(() => ({})), summary: false}; }
function valid(s) {
  return s && Array.isArray(s.answers) && s.answers.length === questions.length && Array.isArray(s.round) && s.round.length
    && s.round.every(i => i in questions) && s.at in s.round;
}
const saved = store.read();
let state = valid(saved) ? saved : fresh();
const save = () => store.write(state);
const say = text => { $('live').textContent = ''; setTimeout(() => { $('live').textContent = text; }, 50); };
const done = i => state.answers[i].score !== undefined;
const plural = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;
const points = x => String(Math.round(x * 100) / 100);

// ---- marking: the same rules as course_labs.bank.score

function readNumber(text) {
  let t = text.trim().replace(/\u2212/g, '-').replace(/\s+/g, '');
  if (/^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(t)) t = t.replace(/,/g, '');
  else t = t.replace(',', '.');
  t = t.replace(/%$/, '');
  const fraction = t.split('/');
  const good = fraction.length <= 2 && fraction.every(o => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(o));
  const value = good ? (fraction.length === 2 ? fraction[0] / fraction[1] : Number(t)) : NaN;
  return Number.isFinite(value) ? value : null;
}

function score(q, given) {
  switch (q.kind) {
    case 'single': return q.options[given].right ? 1 : 0;
    case 'multi': return q.options.every((o, k) => o.right === given.includes(k)) ? 1 : 0;
    case 'numeric': return Math.abs(given - q.answer) <= q.tolerance + 1e-9 ? 1 : 0;
    case 'order': return given.every((k, place) => q.items[k].place === place) ? 1 : 0;
    case 'match': return given.every((k, row) => k === q.pairs[row].answer) ? 1 : 0;
    case 'short': return given.filter(Boolean).length / q.points.length;
    case 'essay': return given.reduce((a, b) => a + b, 0) / q.rubric.reduce((a, o) => a + o.marks, 0);
  }
}

function numericFeedback(q, given) {
  if (score(q, given)) return [q.right];
  const near = Math.max(q.tolerance, 1e-9);
  const traps = q.traps.filter(t => Math.abs(t.value - given) <= near).map(t => t.feedback);
  return traps.length ? traps : [q.wrong];
}

// ---- one form per kind: build(q, a, locked) gives rows, read(form, q, a) an answer or a sentence that says what is missing

const mark = (good, text) => make('span', {class: 'mark ' + (good ? 'good' : 'bad')}, (good ? '✓ ' : '✗ ') + text + ' ');

function buildOptions(q, a, locked) {
  const type = q.kind === 'single' ? 'radio' : 'checkbox';
  return q.options.map((o, k) => {
    const chosen = q.kind === 'single' ? a.given === k : (a.given || []).includes(k);
    const row = make('label', {class: 'option'},
      make('input', {type, name: 'answer', value: k, checked: chosen, disabled: locked}), make('span', {html: o.html}));
    if (locked) {
      const fb = make('p', {class: 'fb'});
      if (o.right) fb.append(mark(true, chosen ? 'your answer' : q.kind === 'single' ? 'the right answer' : 'holds too'));
      else if (chosen) fb.append(mark(false, 'your answer'));
      if (o.right || chosen) row.classList.add(o.right ? 'is-right' : 'is-wrong');
      fb.append(make('span', {html: o.feedback}));
      row.append(fb);
    }
    return row;
  });
}

function buildNumeric(q, a, locked) {
  const input = make('input', {type: 'text', inputmode: 'decimal', autocomplete: 'off', name: 'answer', value: a.text || '', disabled: locked,
    'aria-label': 'Your answer' + (q.unit ? ' in ' + q.unit : '')});
  return [input, ...(q.unit ? [' ' + q.unit] : [])];
}

function buildOrder(q, a, locked) {
  const list = make('ol', {class: 'rows numbered'});
  a.given = a.given || q.items.map((_, k) => k);
  function draw(focus, way) {
    list.replaceChildren(...a.given.map((k, place) => {
      const o = q.items[k], li = make('li', {}, make('span', {class: 'what', html: o.html}));
      if (locked) {
        const good = o.place === place;
        li.append(make('p', {class: 'fb'}, mark(good, good ? 'right place' : `belongs in place ${o.place + 1}`), make('span', {html: o.feedback})));
      } else {
        const move = (d, sign, word) => make('button', {type: 'button', 'data-way': d, disabled: place + d < 0 || place + d >= a.given.length,
          'aria-label': `Move ${word}: ${o.text}`, onclick: () => {
            a.given.splice(place, 1); a.given.splice(place + d, 0, k);
            save(); draw(k, d); say(`${o.text}: now ${place + d + 1} of ${a.given.length}`);
          }}, sign);
        li.append(make('span', {class: 'moves'}, move(-1, '↑', 'up'), move(1, '↓', 'down')));
        li.dataset.item = k;
      }
      return li;
    }));
    if (focus === undefined) return;
    const moved = list.querySelector(`[data-item="${focus}"]`);
    (moved.querySelector(`[data-way="${way}"]:not(:disabled)`) || moved.querySelector('button:not(:disabled)')).focus();
  }
  draw();
  return [list];
}

function buildMatch(q, a, locked) {
  return [make('ul', {class: 'rows'}, ...q.pairs.map((p, row) => {
    const given = (a.given || [])[row];
    const select = make('select', {name: 'answer', disabled: locked, 'aria-label': 'Partner of: ' + p.text},
      make('option', {value: ''}, 'choose …'), ...q.rights.map((r, k) => make('option', {value: k, selected: given === k}, r)));
    const li = make('li', {}, make('span', {class: 'what', html: p.html}), select);
    if (locked) {
      const good = given === p.answer;
      li.append(make('p', {class: 'fb'}, mark(good, good ? 'right' : `belongs to: ${q.rights[p.answer]}`), make('span', {html: p.feedback})));
    }
    return li;
  }))];
}

function buildText(q, a, locked) {
  const rows = [make('textarea', {name: 'text', 'aria-label': 'Your answer', disabled: a.stage === 'compare' || locked}, a.text || '')];
  if (a.stage !== 'compare' && !locked) return rows;
  if (q.kind === 'short') {
    rows.push(make('div', {class: 'verdict'}, make('p', {}, make('strong', {}, 'Model answer')), make('p', {html: q.model})));
    rows.push(make('p', {class: 'how'}, 'Tick the points that your answer has:'));
    q.points.forEach((p, k) => rows.push(make('label', {class: 'option'},
      make('input', {type: 'checkbox', name: 'point', value: k, checked: (a.given || [])[k], disabled: locked}), make('span', {html: p}))));
  } else {
    rows.push(make('div', {class: 'verdict'}, make('p', {}, make('strong', {}, 'An outline')), make('ul', {}, ...q.outline.map(o => make('li', {html: o})))));
    rows.push(make('p', {class: 'how'}, 'Mark your text:'));
    rows.push(make('ul', {class: 'rows'}, ...q.rubric.map((o, k) => make('li', {}, make('span', {class: 'what'}, make('strong', {html: o.criterion}), make('br'), make('span', {html: o.full})),
      make('select', {name: 'marks', disabled: locked, 'aria-label': 'Marks for ' + o.text},
        ...Array.from({length: o.marks + 1}, (_, m) => make('option', {value: m, selected: (a.given || [])[k] === m}, `${m} of ${o.marks}`)))))));
  }
  return rows;
}

const BUILD = {single: buildOptions, multi: buildOptions, numeric: buildNumeric, order: buildOrder, match: buildMatch, short: buildText, essay: buildText};

function read(form, q, a) {
  const all = name => [...form.querySelectorAll(`[name=${name}]`)];
  const checked = name => all(name).filter(o => o.checked).map(o => Number(o.value));
  switch (q.kind) {
    case 'single': { const c = checked('answer'); return c.length ? c[0] : 'Choose an answer first.'; }
    case 'multi': { const c = checked('answer'); return c.length ? c : 'Choose at least one answer first.'; }
    case 'numeric': { const v = readNumber(all('answer')[0].value); return v === null ? 'Enter a number first, such as 0.25, 2e-3 or 1/4.' : v; }
    case 'order': return a.given;
    case 'match': { const v = all('answer').map(o => o.value); return v.includes('') ? 'Choose a partner for every row first.' : v.map(Number); }
    case 'short': return all('point').map(o => o.checked);
    case 'essay': return all('marks').map(o => Number(o.value));
  }
}

function verdict(q, a) {
  const s = a.score, word = s === 1 ? 'Right.' : s === 0 ? 'Not right.' : `Partly right: ${Math.round(s * 100)} %.`;
  const box = make('div', {class: 'verdict ' + (s === 1 ? 'good' : 'bad')}, make('p', {}, mark(s === 1, word)));
  if (q.kind === 'numeric') {
    numericFeedback(q, a.given).forEach(f => box.append(make('p', {html: f})));
    if (s !== 1) box.append(make('p', {}, `The answer is ${q.shown}${q.unit ? ' ' + q.unit : ''}.`));
  }
  box.append(make('p', {class: 'muted'}, `The course shows this in ${q.where}.`));
  return [box, word];
}

// ---- views

function show(i, focus) {
  const q = questions[i], a = state.answers[i], locked = done(i), open = q.kind === 'short' || q.kind === 'essay';
  const place = state.round.indexOf(i);
  const problem = make('p', {class: 'problem', role: 'alert'});
  const fieldset = make('fieldset', {}, make('legend', {html: q.html}), make('p', {class: 'how muted'}, HOW[q.kind]), ...BUILD[q.kind](q, a, locked));
  const last = place + 1 >= state.round.length;
  const step = make('button', {type: 'button', class: locked ? 'main' : '', id: 'next', onclick: () => last ? summary(true) : go(place + 1)}, last ? 'Result' : locked ? 'Next question' : 'Skip');
  const check = make('button', {type: 'button', class: 'main', id: 'check', onclick: () => submit(i, form, problem)}, !open ? 'Check' : a.stage === 'compare' ? 'Count these' : 'Compare');
  // no <form>: a sandboxed frame never sends its submit event. Enter in a field checks the answer, as it would there.
  const form = make('div', {id: 'form', onkeydown: event => {
    if (event.key !== 'Enter' || event.target.tagName !== 'INPUT' || locked) return;
    event.preventDefault(); submit(i, form, problem);
  }},
    make('p', {class: 'meta muted'}, `Question ${place + 1} of ${state.round.length} · week ${q.week} · ${['', 'warm-up', 'medium', 'demanding'][q.difficulty]}`),
    fieldset, problem);
  let word = '';
  if (locked) { const [box, w] = verdict(q, a); form.append(box); word = w; }
  form.append(make('div', {class: 'buttons'}, ...(place ? [make('button', {type: 'button', id: 'back', onclick: () => go(place - 1)}, 'Back')] : []), ...(locked ? [] : [check]), step));
  form.addEventListener('input', () => keep(form, q, a));
  $('main').replaceChildren(form);
  const top = $('main').getBoundingClientRect().top;
  if (focus && top < 0) window.scrollBy(0, top);  // not scrollIntoView: from a frame it would move the page around it too
  heading();
  if (focus === 'first') (form.querySelector('fieldset :is(input, select, textarea, button):not(:disabled)') || step).focus();
  if (focus === 'next') { step.focus(); say(word); }
}

function keep(form, q, a) {  // what is typed but not checked yet survives a reload
  if (q.kind === 'numeric') a.text = form.querySelector('[name=answer]').value;
  else if (q.kind === 'short' || q.kind === 'essay') a.text = form.querySelector('[name=text]').value;
  else if (q.kind === 'match') a.given = [...form.querySelectorAll('[name=answer]')].map(o => o.value === '' ? null : Number(o.value));
  else if (q.kind === 'single' || q.kind === 'multi') { const v = read(form, q, a); a.given = typeof v === 'string' ? undefined : v; }
  save();
}

function submit(i, form, problem) {
  const q = questions[i], a = state.answers[i];
  if ((q.kind === 'short' || q.kind === 'essay') && a.stage !== 'compare') {
    a.text = form.querySelector('[name=text]').value;
    if (!a.text.trim()) { problem.textContent = 'Write an answer first: recalling it is what helps.'; return; }
    a.stage = 'compare';
    save(); show(i); say('The model answer is shown.');
    $('main').querySelector('[name=point], [name=marks]').focus();
    return;
  }
  const given = read(form, q, a);
  if (typeof given === 'string') { problem.textContent = given; form.querySelector('input, select').focus(); return; }
  a.given = given;
  a.score = score(q, given);
  if (a.first === undefined) a.first = a.score;
  save(); show(i, 'next');
}

function go(place) { state.at = place; state.summary = false; save(); show(state.round[place], 'first'); }

function heading() {
  const sum = state.answers.reduce((s, a) => s + (a.score || 0), 0), n = state.answers.filter(a => a.score !== undefined).length;
  $('standing').textContent = `${points(sum)} of ${n} answered right, ${questions.length - n} to go`;
  $('dots').replaceChildren(...state.round.map((i, place) => {
    const s = state.answers[i].score, kind = s === undefined ? '' : s === 1 ? 'full' : s ? 'part' : 'none';
    const word = {'': 'open', full: 'right', part: 'partly right', none: 'wrong'}[kind];
    return make('li', {}, make('button', {type: 'button', class: kind, 'aria-current': !state.summary && place === state.at ? 'step' : null,
      'aria-label': `Question ${place + 1}, ${word}`, onclick: () => go(place)}, (kind === 'full' ? '✓' : kind ? '✗' : '') + (place + 1)));
  }));
}

function summary(focus) {
  state.summary = true; save(); heading();
  const all = state.answers, sum = all.reduce((s, a) => s + (a.score || 0), 0), first = all.reduce((s, a) => s + (a.first || 0), 0);
  const missed = questions.map((_, i) => i).filter(i => done(i) && all[i].score < 1), open = questions.map((_, i) => i).filter(i => !done(i));
  const weeks = [...new Set(questions.map(q => q.week))];
  const body = make('tbody', {}, ...weeks.map(w => {
    const mine = questions.map((_, i) => i).filter(i => questions[i].week === w);
    return make('tr', {}, make('th', {scope: 'row'}, 'Week ' + w), make('td', {class: 'n'}, points(mine.reduce((s, i) => s + (all[i].score || 0), 0))), make('td', {class: 'n'}, String(mine.length)));
  }));
  const title = make('h2', {tabindex: -1}, `Score: ${points(sum)} of ${questions.length} (${Math.round(100 * sum / questions.length)} %)`);
  const retry = (list, text, id) => make('button', {type: 'button', class: 'main', id, onclick: () => {
    list.forEach(i => { all[i] = all[i].first === undefined ? {} : {first: all[i].first}; });
    state.round = list; go(0);
  }}, text);
  const places = [...new Set(missed.map(i => questions[i].where))];
  $('main').replaceChildren(title,
    make('p', {}, sum !== first ? `On the first try it was ${points(first)}.` : open.length ? `${plural(open.length, 'question')} still open.` : ''),
    make('table', {}, make('thead', {}, make('tr', {}, ...['', 'Right', 'Asked'].map(t => make('th', {scope: 'col'}, t)))), body),
    ...(places.length ? [make('h2', {}, 'Read again'), make('ul', {}, ...places.map(p => make('li', {}, p)))] : []),
    make('div', {class: 'buttons'},
      ...(missed.length ? [retry(missed, `Retry the ${missed.length} that ${missed.length === 1 ? 'was' : 'were'} not right`, 'retry')] : []),
      ...(open.length ? [make('button', {type: 'button', id: 'resume', onclick: () => { state.round = questions.map((_, i) => i); go(open[0]); }}, 'Go on with the open ones')] : []),
      make('button', {type: 'button', id: 'again', onclick: () => { state = fresh(); go(0); }}, 'Start over')));
  if (focus) { title.focus(); say(title.textContent); }
}

$('title').textContent = document.title = data.title;
$('kept').textContent = store.works ? 'Your progress is kept in this browser.' : 'Your progress is kept until this page is closed.';
setTheme($('theme'));
if (state.summary) summary(); else show(state.round[state.at]);
