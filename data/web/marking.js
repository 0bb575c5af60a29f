// Marking of essays and short answers, by keyboard alone, with nothing outside of this page.
//   data.questions  {id: {html, guide: [{title, rows: [html]}], criteria: [{html, full, most}]}}
//   data.answers    [{id, question, text}], named by a number that says nothing of its author
//   data.key        of questions and rubrics: a file of marks belongs to one
// A file of marks is {version, key, marker, marks: {answer: {points: [number or null], comment}}, comments: {question: [text]}}.
'use strict';

function emptyMarks(data, marker) { return {version: 1, key: data.key, marker, marks: {}, comments: {}}; }

// What is wrong with a file of marks, in a sentence; empty where nothing is
function wrongWith(data, file) {
  if (!file || typeof file !== 'object' || file.version !== 1 || typeof file.marks !== 'object') return 'This is no file of marks.';
  if (file.key !== data.key) return 'This file holds marks of another paper: its questions or rubrics differ.';
  return '';
}

function startMarking(data) {
  const $ = id => document.getElementById(id), store = makeStore('marking ' + data.key);
  let state = store.read(), at = 0, row = 0;
  if (!state || wrongWith(data, state)) state = emptyMarks(data, data.marker);
  const answer = () => data.answers[at], question = () => data.questions[answer().question];
  const marked = a => state.marks[a.id] || {points: data.questions[a.question].criteria.map(() => null), comment: ''};
  const whole = a => marked(a).points.every(p => p !== null);
  const before = () => state.comments[answer().question] || [];
  const lines = text => text.split('\n').map(o => o.trim()).filter(Boolean);

  function keep(m) { state.marks[answer().id] = m; store.write(state); standing(); }
  function tell(text) { $('told').textContent = text; }
  function standing() {
    const done = data.answers.filter(whole).length;
    $('standing').textContent = `${done} of ${data.answers.length} answers marked`;
  }

  function give(points) {
    const most = question().criteria[row].most;
    if (points > most) { tell(`This criterion has ${most} mark${most === 1 ? '' : 's'} at most.`); return; }
    const m = marked(answer());
    keep({...m, points: m.points.map((p, i) => i === row ? points : p)});
    row = Math.min(row + 1, question().criteria.length - 1);
    tell('');
    draw();
    look();
  }

  function comment(text, again = true) {  // lines that are new can be given again with a letter
    keep({...marked(answer()), comment: text});
    if (again) {
      state.comments[answer().question] = [...new Set([...before(), ...lines(text)])].slice(0, 26);
      store.write(state);
    }
  }

  function toggle(line) {
    const had = lines(marked(answer()).comment);
    comment((had.includes(line) ? had.filter(o => o !== line) : [...had, line]).join('\n'), false);
    draw();
  }

  function go(to) {
    if (to < 0 || to >= data.answers.length) return;
    at = to; row = 0; tell('');
    draw();
    scrollTo(0, 0);
  }
  function next() {  // the next answer that lacks marks, from here on and then from the beginning
    const places = data.answers.map((_, i) => (at + 1 + i) % data.answers.length), open = places.find(i => !whole(data.answers[i]));
    if (open === undefined) tell('Every answer has its marks. Save them.'); else go(open);
  }

  function criterion(c, i, points) {
    const buttons = Array.from({length: c.most + 1}, (_, k) =>
      make('button', {'aria-pressed': String(points === k), onclick: () => { row = i; give(k); }}, String(k)));
    const full = c.full ? [make('p', {class: 'muted', html: c.full})] : [];
    return make('li', {class: i === row ? 'chosen' : '', 'aria-current': i === row ? 'true' : false},
      make('p', {html: c.html}), ...full, make('div', {class: 'points', role: 'group', 'aria-label': `Marks for criterion ${i + 1}`}, ...buttons));
  }

  function draw() {
    const q = question(), a = answer(), m = marked(a);
    const guide = q.guide.map(g => make('details', {}, make('summary', {}, g.title), make('ul', {}, ...g.rows.map(o => make('li', {html: o})))));
    const total = m.points.reduce((s, p) => s + (p || 0), 0), most = q.criteria.reduce((s, c) => s + c.most, 0);
    const text = make('textarea', {id: 'comment', oninput: e => keep({...marked(a), comment: e.target.value}),
      onblur: e => { if (lines(e.target.value).some(o => !before().includes(o))) { comment(e.target.value); again(); } }}, m.comment);
    const list = make('ul', {class: 'again', id: 'again'});
    $('main').replaceChildren(
      make('section', {class: 'asked'}, make('h2', {}, `Answer ${at + 1} of ${data.answers.length}, question ${a.question}`), make('p', {html: q.html}), ...guide),
      make('section', {}, make('pre', {class: 'answer', tabindex: '0', 'aria-label': 'The answer'}, a.text || '(nothing was written)')),
      make('section', {}, make('ol', {class: 'criteria'}, ...q.criteria.map((c, i) => criterion(c, i, m.points[i]))),
        make('p', {id: 'total'}, `${total} of ${most} marks${whole(a) ? '' : ', not all given yet'}`),
        make('label', {}, 'Comment', text), list,
        make('div', {class: 'steps'}, make('button', {onclick: () => go(at - 1), disabled: at === 0}, '← Previous'),
          make('button', {onclick: () => go(at + 1), disabled: at === data.answers.length - 1}, 'Next →'))));
    again();
    standing();
  }
  function look() { document.querySelector('.criteria > .chosen').scrollIntoView({block: 'nearest'}); }
  function again() {
    const had = lines(marked(answer()).comment);
    $('again').replaceChildren(...before().map((o, i) => make('li', {}, make('button', {'aria-pressed': String(had.includes(o)), onclick: () => toggle(o)},
      make('kbd', {}, String.fromCharCode(97 + i)), ' ' + o))));
  }

  function save() {
    if (!state.marker.trim()) { tell('Say who marks first.'); $('marker').focus(); return; }
    const url = URL.createObjectURL(new Blob([JSON.stringify(state, null, 1) + '\n'], {type: 'application/json'}));
    make('a', {href: url, download: `marks_${state.marker.trim().replace(/[^\p{L}\p{N}]+/gu, '_')}.json`}).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    tell('Saved to your downloads.');
  }
  async function load(file) {
    let given = null;
    try { given = JSON.parse(await file.text()); } catch (e) { /* said below */ }
    const bad = wrongWith(data, given);
    if (bad) { tell(bad); return; }
    state = given;
    store.write(state);
    $('marker').value = state.marker;
    tell(`Went on with the marks of ${state.marker}.`);
    draw();
  }

  document.addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 's') { e.preventDefault(); save(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target.matches('textarea, input, select')) { if (e.key === 'Escape') e.target.blur(); return; }
    if (e.key === 'Enter' && e.target.matches('button, summary')) return;  // it presses what has the focus
    const n = question().criteria.length;
    if (/^[0-9]$/.test(e.key)) give(+e.key);
    else if (e.key === 'ArrowDown') { row = Math.min(row + 1, n - 1); draw(); look(); }
    else if (e.key === 'ArrowUp') { row = Math.max(row - 1, 0); draw(); look(); }
    else if (e.key === 'ArrowRight') go(at + 1);
    else if (e.key === 'ArrowLeft') go(at - 1);
    else if (e.key === 'Enter') next();
    else if (e.key === '.') $('comment').focus();
    else if (/^[a-z]$/.test(e.key) && before()[e.key.charCodeAt(0) - 97]) toggle(before()[e.key.charCodeAt(0) - 97]);
    else return;
    e.preventDefault();
  });
  $('title').textContent = document.title = data.title;
  $('marker').value = state.marker;
  $('marker').addEventListener('input', e => { state.marker = e.target.value; store.write(state); });
  $('save').addEventListener('click', save);
  $('load').addEventListener('change', e => { if (e.target.files[0]) load(e.target.files[0]); });
  $('kept').textContent = store.works ? 'Marks are kept in this browser until you save them.' : 'This browser keeps nothing: save before you close the page.';
  setTheme($('theme'));
  draw();
}

startMarking(JSON.parse(document.getElementById('data').textContent));
