// What this browser has kept of quizzes, self-test, flashcards and predictions, by week; saved as a file and read from one.
//   data.weeks       numbers
//   data.quizzes     [{key, title, link, n, week}], `week` is null for the one over all weeks
//   data.self_test   {key, link, of}, `of` holds the place of its concept for each question
//   data.cards       {link, weeks: {id: week}}
//   data.predictions [{id, week, link}]
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const OURS = 'course_labs.', VERSION = 1;
const works = makeStore(OURS + 'progress').works;
const kept = key => makeStore(OURS + key).read();
const object = x => x && typeof x === 'object' && !Array.isArray(x) ? x : {};

// ---- what was kept

function ofQuiz(quiz) {  // {right, answered}: answers of another shape, from another version of the quiz, count as none
  const answers = object(kept('quiz.' + quiz.key)).answers;
  const scores = Array.isArray(answers) && answers.length === quiz.n ? answers.map(a => object(a).score).filter(s => typeof s === 'number') : [];
  return {right: scores.reduce((s, x) => s + x, 0), answered: scores.length};
}

function ofSelfTest() {  // how many concepts were asked, and how many of these were right the last time
  const history = object(kept('quiz.' + data.self_test.key)).history, latest = new Map();
  for (const h of Array.isArray(history) ? history : []) {
    if (Array.isArray(h) && data.self_test.of[h[0]] !== undefined) latest.set(data.self_test.of[h[0]], h[1]);
  }
  return {asked: latest.size, right: [...latest.values()].filter(s => s === 1).length, all: new Set(data.self_test.of).size};
}

function ofCards(week) {
  const boxes = object(kept('cards')), ids = Object.keys(data.cards.weeks).filter(id => data.cards.weeks[id] === week);
  return {known: ids.filter(id => object(boxes[id]).box > 0).length, all: ids.length};
}

function ofPredictions(week) {
  const all = data.predictions.filter(p => p.week === week), made = all.filter(p => typeof kept('prediction.' + p.id) === 'number');
  return {made: made.length, near: made.filter(p => kept('outcome.' + p.id) === true).length, all: all.length, link: (all[0] || {}).link};
}

// ---- the page

const round = x => String(Math.round(100 * x) / 100);
function bar(part, all) { return make('span', {class: 'bar', 'aria-hidden': 'true'}, make('i', {style: `width:${all ? 96 * part / all : 0}%`})); }
function cell(part, all, text, link) {
  if (!all) return make('td', {}, 'none');
  return make('td', {}, bar(part, all), link ? make('a', {href: link, target: '_top'}, text) : text);
}
function table(head, rows) {
  const names = head.map(t => make('th', {scope: 'col'}, t));
  return make('div', {class: 'table'}, make('table', {}, make('thead', {}, make('tr', {}, ...names)), make('tbody', {}, ...rows)));
}

function quizCell(quiz) {
  if (!quiz) return make('td', {}, 'none');
  const {right, answered} = ofQuiz(quiz);
  return cell(right, quiz.n, answered ? `${round(right)} of ${answered} right, ${quiz.n - answered} to go` : `${quiz.n} to go`, quiz.link);
}

function weekRow(week) {
  const cards = ofCards(week), guesses = ofPredictions(week);
  const near = guesses.near ? `, ${guesses.near} as it came` : '';
  return make('tr', {}, make('th', {scope: 'row'}, `Week ${week}`), quizCell(data.quizzes.find(q => q.week === week)),
    cell(cards.known, cards.all, `${cards.known} of ${cards.all} known`, data.cards.link),
    cell(guesses.made, guesses.all, `${guesses.made} of ${guesses.all} made${near}`, guesses.link));
}

function show() {
  const test = ofSelfTest(), over = data.quizzes.filter(q => q.week === null);
  const tested = `${test.asked} of ${test.all} concepts asked, ${test.right} right the last time`;
  const more = [...over.map(q => make('tr', {}, make('th', {scope: 'row'}, q.title), quizCell(q))),
    make('tr', {}, make('th', {scope: 'row'}, 'Self-test'), cell(test.right, test.all, tested, data.self_test.link))];
  $('main').replaceChildren(table(['', 'Quiz', 'Cards', 'Predictions'], data.weeks.map(weekRow)),
    make('h2', {}, 'Over all weeks'), table(['', 'Where you are'], more));
}

// ---- the file

const ownKeys = () => works ? Object.keys(localStorage).filter(k => k.startsWith(OURS)).sort() : [];

function asFile() {
  const values = Object.fromEntries(ownKeys().map(k => [k, makeStore(k).read()]).filter(([, v]) => v !== null));
  return JSON.stringify({course: 'course_labs', version: VERSION, saved: new Date().toISOString(), kept: values}, null, 1);
}

function take(text) {  // how many entries were read, or a sentence that says what is wrong; then nothing has changed
  let file;
  try { file = object(JSON.parse(text)); } catch (e) { return 'This file holds no JSON: choose one that this page has saved.'; }
  if (file.course !== 'course_labs' || !file.kept) return 'This file holds no progress of this course: choose one that this page has saved.';
  if (file.version > VERSION) return 'This file is of a newer version of this page: open the newest one.';
  const entries = Object.entries(object(file.kept)), foreign = entries.find(([k]) => !k.startsWith(OURS));
  if (foreign) return `The entry ${foreign[0].slice(0, 40)} in this file is none of this course; nothing was read.`;
  for (const [k, v] of entries) makeStore(k).write(v);
  return entries.length;
}

$('save').addEventListener('click', () => {
  const url = URL.createObjectURL(new Blob([asFile()], {type: 'application/json'}));
  make('a', {href: url, download: 'course_labs_progress.json'}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  $('said').textContent = `${ownKeys().length} entries were saved.`;
});

$('read').addEventListener('change', async () => {
  const file = $('read').files[0];
  if (!file) return;
  const found = file.size > 5e6 ? 'This file is larger than any that this page saves.' : take(await file.text());
  $('said').textContent = typeof found === 'string' ? found : `${found} entries were read; what they are about has been replaced.`;
  $('read').value = '';
  show();
});

let sure = false;  // the button asks, as a frame may not ask with a dialog
const calm = () => { sure = false; $('forget').textContent = 'Forget everything'; };
$('forget').addEventListener('click', () => {
  if (!sure) { sure = true; $('forget').textContent = 'Press again to forget'; return; }
  for (const k of ownKeys()) localStorage.removeItem(k);
  calm();
  $('said').textContent = 'Nothing is kept any more.';
  show();
});
$('forget').addEventListener('blur', calm);

$('title').textContent = document.title = data.title;
$('kept').textContent = works ? 'All of this is kept in this browser and nowhere else. Save it as a file to carry it to another one.'
  : 'This page may not keep anything here, so there is no progress to show: open it in a browser of its own.';
for (const id of ['save', 'read', 'forget']) $(id).disabled = !works;
setTheme($('theme'));
show();
addEventListener('storage', show);  // a quiz in another page went on
