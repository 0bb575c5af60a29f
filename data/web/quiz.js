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

function verdict(q, a) {
  const s = a.score, word = s === 1 ? 'Right.' : s === 0 ? 'Not right.' : `Partly right: ${Math.round(s * 100)} %.`;
  const box = make('div', {class: 'verdict ' + (s === 1 ? 'good' : 'bad')}, make('p', {}, signed(s === 1, word)));
  if (KINDS[q.kind].verdict) box.append(...KINDS[q.kind].verdict(q, a.given, s === 1, a));
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
  const report = {href: q.report, target: '_blank', rel: 'noopener', id: 'report'};
  form.append(make('p', {class: 'report muted'}, `${q.id} · `, make('a', report, 'This question is wrong or unclear')));
  form.addEventListener('input', () => { kind.keep(form, a); save(); });
  $('main').replaceChildren(form);
  const top = $('main').getBoundingClientRect().top;
  if (focus && top < 0) window.scrollBy(0, top);  // not scrollIntoView: from a frame it would move the page around it too
  heading();
  const fieldToFill = form.querySelector('fieldset :is(input, select, textarea, button):not(:disabled)');
  if (focus === 'first') (fieldToFill || $('next')).focus();
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
  const given = kind.read(form, a, q);
  if (typeof given === 'string') { problem.textContent = given; form.querySelector('input, select').focus(); return; }
  a.given = given;
  a.score = kind.mark(q, given);
  if (a.first === undefined) a.first = a.score;
  save();
  show(i, 'next');
}

function go(place) { state.at = place; state.summary = false; save(); show(state.round[place], 'first'); }

const DOT = {open: '', right: '✓', 'partly right': '✗', wrong: '✗'};
const LOOK = {open: '', right: 'full', 'partly right': 'part', wrong: 'none'};
function standing(score) {
  if (score === undefined) return 'open';
  return score === 1 ? 'right' : score ? 'partly right' : 'wrong';
}

function dot(i, place) {
  const word = standing(state.answers[i].score), here = !state.summary && place === state.at;
  const button = make('button', {type: 'button', class: LOOK[word], 'aria-current': here ? 'step' : null,
    'aria-label': `Question ${place + 1}, ${word}`, onclick: () => go(place)}, DOT[word] + (place + 1));
  return make('li', {}, button);
}

function heading() {
  const n = all().filter(done).length;
  $('standing').textContent = `${points(sumOf(all(), 'score'))} of ${n} answered right, ${questions.length - n} to go`;
  $('dots').replaceChildren(...state.round.map(dot));
}

const sumOf = (rows, field) => rows.reduce((s, i) => s + (state.answers[i][field] || 0), 0);
const all = () => questions.map((_, i) => i);

function weekRow(week) {
  const mine = all().filter(i => questions[i].week === week);
  const cell = text => make('td', {class: 'n'}, text);
  return make('tr', {}, make('th', {scope: 'row'}, 'Week ' + week), cell(points(sumOf(mine, 'score'))), cell(String(mine.length)));
}

function weekTable() {
  const head = ['', 'Right', 'Asked'].map(t => make('th', {scope: 'col'}, t));
  const weeks = [...new Set(questions.map(q => q.week))];
  return make('table', {}, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...weeks.map(weekRow)));
}

function retry(list) {  // the first try of each stays on record
  list.forEach(i => {
    const first = state.answers[i].first;
    state.answers[i] = first === undefined ? {} : {first};
  });
  state.round = list;
  go(0);
}

function waysOn(missed, open) {
  const button = (id, text, onclick, main) => make('button', {type: 'button', class: main ? 'main' : null, id, onclick}, text);
  const were = missed.length === 1 ? 'was' : 'were';
  const rows = [];
  if (missed.length) rows.push(button('retry', `Retry the ${missed.length} that ${were} not right`, () => retry(missed), true));
  if (open.length) rows.push(button('resume', 'Go on with the open ones', () => { state.round = all(); go(open[0]); }));
  rows.push(button('again', 'Start over', () => { state = fresh(); go(0); }));
  return make('div', {class: 'buttons'}, ...rows);
}

function summary(focus) {
  state.summary = true;
  save();
  heading();
  const n = questions.length, sum = sumOf(all(), 'score'), first = sumOf(all(), 'first');
  const missed = all().filter(i => done(i) && state.answers[i].score < 1), open = all().filter(i => !done(i));
  const title = make('h2', {tabindex: -1}, `Score: ${points(sum)} of ${n} (${Math.round(100 * sum / n)} %)`);
  let note = open.length ? `${plural(open.length, 'question')} still open.` : '';
  if (sum !== first) note = `On the first try it was ${points(first)}.`;
  const places = [...new Set(missed.map(i => questions[i].where))];
  const again = places.length ? [make('h2', {}, 'Read again'), make('ul', {}, ...places.map(p => make('li', {}, p)))] : [];
  $('main').replaceChildren(title, make('p', {}, note), weekTable(), ...again, waysOn(missed, open));
  if (focus) { title.focus(); say(title.textContent); }
}

$('title').textContent = document.title = data.title;
$('kept').textContent = store.works ? 'Your progress is kept in this browser.' : 'Your progress is kept until this page is closed.';
setTheme($('theme'));
if (state.summary) summary(); else show(state.round[state.at]);
