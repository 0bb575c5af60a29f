// Cards in boxes: a card that was known moves up one and comes back after a longer gap, one that was not goes back to the first.
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const DAY = 86400e3, GAPS = [0, 1, 3, 7, 16, 35, 80];  // days until a card of box 0, 1, ... is due again
const AGAIN_AFTER = 4;                                  // other cards before a missed one comes back
const store = makeStore('course_labs.cards');           // one for all pages of cards: progress belongs to the card
const saved = store.read();
const progress = saved && typeof saved === 'object' && !Array.isArray(saved) ? saved : {};
let queue = [], open = false;

const known = c => (progress[c.id] || {}).box > 0;
const due = c => !progress[c.id] || !(progress[c.id].due > Date.now());
const say = text => { $('live').textContent = ''; setTimeout(() => { $('live').textContent = text; }, 50); };

function chosen() {
  const w = $('week').value;
  return data.cards.filter(c => !w || c.week === Number(w));
}

function fill() {
  const which = $('which').value, at = c => (progress[c.id] || {due: Infinity}).due;  // those due longest first, new ones after
  queue = chosen().filter(c => which === 'all' || (which === 'unknown' ? !known(c) : due(c)));
  if (which === 'due') queue.sort((a, b) => at(a) === at(b) ? 0 : at(a) - at(b));
  open = false;
  show();
}

function answer(good) {
  const card = queue.shift(), old = progress[card.id] || {box: 0};
  const box = good ? Math.min(old.box + 1, GAPS.length - 1) : 0;
  progress[card.id] = {box, due: Date.now() + GAPS[box] * DAY};
  if (!good) queue.splice(Math.min(AGAIN_AFTER, queue.length), 0, card);
  store.write(progress);
  open = false;
  show('focus');
  const words = good ? `Known: back in ${GAPS[box]} ${GAPS[box] === 1 ? 'day' : 'days'}.` : 'Comes again soon.';
  say(words + ' ' + (queue.length ? queue[0].term : 'No more cards.'));
}

function reveal() {
  open = true;
  show('focus');
  say(queue[0].text);
}

function show(focus) {
  const all = chosen(), n = all.filter(known).length;
  const counts = [`${all.filter(due).length} due or new`, `${all.length - n} not known yet`, `${n} known`, `${queue.length} in this round`];
  $('counts').textContent = counts.join(' · ');
  if (!queue.length) { finished(focus); return; }
  const c = queue[0];
  const front = [make('p', {class: 'meta muted'}, `Week ${c.week}`), make('h2', {class: 'term', id: 'term'}, c.term)];
  const back = [make('p', {class: 'back', id: 'back', html: c.html}), make('p', {class: 'meta muted'}, `Shown in ${c.where}.`)];
  const button = (id, main, onclick, ...text) => make('button', {type: 'button', id, class: main ? 'main' : null, onclick}, ...text);
  const turn = [button('turn', true, reveal, 'Show the definition')];
  const rate = [button('no', false, () => answer(false), 'Not yet ', make('kbd', {}, '1')),
    button('yes', true, () => answer(true), 'I knew it ', make('kbd', {}, '2'))];
  $('main').replaceChildren(...front, ...(open ? back : []), make('div', {class: 'buttons'}, ...(open ? rate : turn)));
  if (focus) $('main').querySelector('button.main').focus();
}

function finished(focus) {
  const [head, text] = $('which').value === 'due'
    ? ['Nothing is due', 'Come back tomorrow, or choose “all” to go through the cards once more.']
    : ['No more cards', 'Choose another week or “all” to go on.'];
  const title = make('h2', {class: 'term', tabindex: -1}, head);
  $('main').replaceChildren(title, make('p', {}, text));
  if (focus) title.focus();
}

document.addEventListener('keydown', e => {
  if (!open || e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === 'SELECT') return;
  if (e.key === '1') answer(false);
  if (e.key === '2') answer(true);
});

let sure = false;  // a sandboxed frame may not ask with a dialog, so the button asks
$('forget').addEventListener('click', () => {
  if (!sure) { sure = true; $('forget').textContent = 'Press again to forget'; return; }
  for (const k of Object.keys(progress)) delete progress[k];
  store.write(progress);
  sure = false; $('forget').textContent = 'Forget my progress';
  fill();
});
$('forget').addEventListener('blur', () => { sure = false; $('forget').textContent = 'Forget my progress'; });

$('title').textContent = document.title = data.title;
$('kept').textContent = store.works ? 'Your progress is kept in this browser.' : 'Your progress is kept until this page is closed.';
const weeks = [...new Set(data.cards.map(c => c.week))];
$('week').append(make('option', {value: ''}, 'all'), ...weeks.map(w => make('option', {value: w}, String(w))));
$('week').addEventListener('change', fill);
$('which').addEventListener('change', fill);
setTheme($('theme'));
fill();
