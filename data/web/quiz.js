'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const store = makeStore('course_labs.quiz.' + data.key);
const questions = data.questions;
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

// A number as people write it, by the same rule as course_labs.teaching.arithmetic.read_number, where it is written down.
// It stands alone: a test takes it out of this file.
function readNumber(text) {
  const gap = '[ \\t\\r\\n\\u00a0\\u2009\\u202f]', power = '(?:e[-+]?[0-9]+)?';
  const commas = new RegExp(`^[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\\.[0-9]*)?${power}$`, 'i');
  const gaps = new RegExp(`^[-+]?[1-9][0-9]{0,2}(?: [0-9]{3})+(?:[.,][0-9]*)?${power}$`, 'i');
  const decimal = new RegExp(`^[-+]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)${power}$`, 'i');
  const trim = t => t.replace(/^ +| +$/g, '');
  let t = trim(text.replace(new RegExp(gap + '+', 'g'), ' ')).replace(/\u2212/g, '-');
  t = trim(t.replace(/%$/, '')).replace(/^([-+]) /, '$1').replace(/ ?\/ ?/g, '/');
  const plain = o => {
    if (commas.test(o)) o = o.replace(/,/g, '');
    if (gaps.test(o)) o = o.replace(/ /g, '');
    return decimal.test(o) ? Number(o.replace(',', '.')) : null;
  };
  let value;
  const mixed = t.match(/^([-+]?)([0-9]+) ([0-9]+)\/([0-9]+)$/);
  if (mixed && Number(mixed[3]) < Number(mixed[4])) {
    value = (mixed[1] === '-' ? -1 : 1) * (Number(mixed[2]) + mixed[3] / mixed[4]);
  } else {
    const parts = t.split('/').map(plain);
    if (parts.includes(null) || parts.length > 2 || parts[1] === 0) return null;
    value = parts.length === 2 ? parts[0] / parts[1] : parts[0];
  }
  return Number.isFinite(value) ? value : null;
}

function verdict(q, a) {
  const s = a.score, word = s === 1 ? 'Right.' : s === 0 ? 'Not right.' : `Partly right: ${Math.round(s * 100)} %.`;
  const box = make('div', {class: 'verdict ' + (s === 1 ? 'good' : 'bad')}, make('p', {}, signed(s === 1, word)));
  if (KINDS[q.kind].verdict) box.append(...KINDS[q.kind].verdict(q, a.given, s === 1));
  box.append(make('p', {class: 'muted'}, `The course shows this in ${q.where}.`));
  return [box, word];
}

// ---- views

const LEVELS = ['', 'warm-up', 'medium', 'demanding'];

function checkWord(kind, a) {
  if (!kind.compare) return 'Check';
  return a.stage === 'compare' ? 'Count these' : 'Compare';
}

function buttons(i, form, problem) {
  const a = state.answers[i], place = state.round.indexOf(i), last = place + 1 >= state.round.length;
  const button = (id, text, main, onclick) => make('button', {type: 'button', class: main ? 'main' : '', id, onclick}, text);
  const row = [];
  if (place) row.push(button('back', 'Back', false, () => go(place - 1)));
  if (!done(i)) row.push(button('check', checkWord(KINDS[questions[i].kind], a), true, () => submit(i, form, problem)));
  const word = last ? 'Result' : done(i) ? 'Next question' : 'Skip';
  row.push(button('next', word, done(i), () => last ? summary(true) : go(place + 1)));
  return row;
}

function show(i, focus) {
  const q = questions[i], a = state.answers[i], locked = done(i), kind = KINDS[q.kind];
  const problem = make('p', {class: 'problem', role: 'alert'});
  const at = `Question ${state.round.indexOf(i) + 1} of ${state.round.length} · week ${q.week} · ${LEVELS[q.difficulty]}`;
  // no <form>: a sandboxed frame never sends its submit event. Enter in a field checks the answer, as it would there.
  const form = make('div', {id: 'form', onkeydown: event => {
    if (event.key !== 'Enter' || event.target.tagName !== 'INPUT' || locked) return;
    event.preventDefault();
    submit(i, form, problem);
  }},
    make('p', {class: 'meta muted'}, at),
    make('fieldset', {}, make('legend', {html: q.html}), make('p', {class: 'how muted'}, kind.how), ...kind.draw(q, a, locked)),
    problem);
  const [box, word] = locked ? verdict(q, a) : [null, ''];
  if (box) form.append(box);
  form.append(make('div', {class: 'buttons'}, ...buttons(i, form, problem)));
  form.addEventListener('input', () => { kind.keep(form, a); save(); });
  $('main').replaceChildren(form);
  const top = $('main').getBoundingClientRect().top;
  if (focus && top < 0) window.scrollBy(0, top);  // not scrollIntoView: from a frame it would move the page around it too
  heading();
  if (focus === 'first') (form.querySelector('fieldset :is(input, select, textarea, button):not(:disabled)') || $('next')).focus();
  if (focus === 'next') { $('next').focus(); say(word); }
}

function submit(i, form, problem) {
  const q = questions[i], a = state.answers[i], kind = KINDS[q.kind];
  if (kind.compare && a.stage !== 'compare') {
    kind.keep(form, a);
    if (!a.text.trim()) { problem.textContent = 'Write an answer first: recalling it is what helps.'; return; }
    a.stage = 'compare';
    save();
    show(i);
    say('The model answer is shown.');
    $('main').querySelector('[name=point], [name=marks]').focus();
    return;
  }
  const given = kind.read(form, a);
  if (typeof given === 'string') { problem.textContent = given; form.querySelector('input, select').focus(); return; }
  a.given = given;
  a.score = kind.mark(q, given);
  if (a.first === undefined) a.first = a.score;
  save();
  show(i, 'next');
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
