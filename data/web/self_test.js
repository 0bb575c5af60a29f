// The self-test: a quiz in sittings, each chosen from what was answered so far. The rule of the choice is that of
// course_labs.teaching.self_test, and a test holds both against each other. The questions and the concepts come in
// the order of the seed, so nothing random happens here.
//   data.sitting    questions at a time
//   data.concepts   [{term, where, link, place}], `place` is the one in the course's index
//   data.questions  as the quiz has them, and `concept`: the place of its concept in data.concepts
//   data.sure       sure[n][r]: 80 % interval of what is known after r right answers of n
'use strict';

// What is known of each concept: the latest answer to each of its questions counts. history: [[question, score], ...]
function estimates(data, history) {
  const latest = new Map(history), times = data.questions.map(() => 0);
  for (const [i] of history) times[i] += 1;
  const found = data.concepts.map(() => ({asked: 0, right: 0, tries: 0}));
  data.questions.forEach((q, i) => {
    const c = found[q.concept];
    c.tries += times[i];
    if (latest.has(i)) { c.asked += 1; c.right += latest.get(i); }
  });
  for (const c of found) c.mean = c.asked ? (1 + c.right) / (2 + c.asked) : 0;
  return {found, times};
}

// A question each on `n` concepts: those not asked yet, then those known least; of a concept the question asked least
function chooseSitting(data, history, n) {
  const {found, times} = estimates(data, history);
  const least = (a, b) => found[a].mean - found[b].mean || found[a].tries - found[b].tries || a - b;
  const rarest = k => data.questions.reduce((best, q, i) =>
    q.concept === k && (best === null || times[i] < times[best]) ? i : best, null);
  return found.map((_, k) => k).sort(least).slice(0, n).map(rarest);
}

// All answers as one line of text, to carry them from a page to another, or to Python: w1.q01+ w3.q05-
function lineOf(data, history) { return history.map(([i, s]) => data.questions[i].id + (s === 1 ? '+' : '-')).join(' '); }

function readLine(data, text) {  // a history, or a sentence that says what is wrong
  const place = new Map(data.questions.map((q, i) => [q.id, i])), history = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const id = word.slice(0, -1), sign = word.slice(-1);
    if (!place.has(id) || !'+-'.includes(sign)) return `${word} is no answer of this test: the line looks like w1.q01+ w3.q05-`;
    history.push([place.get(id), sign === '+' ? 1 : 0]);
  }
  return history;
}

// What quiz.js asks where a page is in sittings
const sittings = {
  first: () => chooseSitting(data, [], data.sitting),
  whole: s => Array.isArray(s.history) && s.history.every(h => Array.isArray(h) && h[0] in data.questions && (h[1] === 0 || h[1] === 1)),
  answered(i, score) { state.history.push([i, score]); },
  standing() {
    const {found} = estimates(data, state.history), asked = found.filter(c => c.asked).length;
    return `${asked} of ${found.length} concepts asked, ${state.round.filter(i => !done(i)).length} questions to go in this sitting`;
  },
  next(history) {
    state = Object.assign(fresh(), {history, round: chooseSitting(data, history, data.sitting)});
    go(0);
  },
  result(focus) {
    const {found} = estimates(data, state.history), asked = found.filter(c => c.asked).length;
    const right = sumOf(state.round, 'score'), open = state.round.filter(i => !done(i));
    const title = make('h2', {tabindex: -1}, `This sitting: ${right} of ${state.round.length - open.length} right`);
    const left = found.length - asked, more = Math.ceil(left / data.sitting);
    const far = left ? `${asked} of ${found.length} concepts have been asked so far; ${plural(more, 'more sitting')} will have asked all.`
      : `All ${found.length} concepts have been asked. The next sitting asks what you know least.`;
    const notes = [make('p', {}, far)];
    if (open.length) notes.unshift(make('p', {}, `${plural(open.length, 'question')} of this sitting still open.`));
    $('main').replaceChildren(title, ...notes, ...weakest(found), waysOnward(open), elsewhere());
    if (focus) { title.focus(); say(title.textContent); }
  },
};

function weakest(found) {
  const high = c => data.sure[c.asked][c.right][1];
  const rows = found.map((c, k) => ({...c, ...data.concepts[k]})).filter(c => c.asked && c.mean < 0.6)
    .sort((a, b) => a.mean - b.mean || high(a) - high(b) || a.place - b.place).slice(0, 10);
  if (!rows.length) return [make('p', {}, 'No concept stands out as weak.')];
  const head = ['Concept', 'Right', 'You know (80 % sure)', 'Read again'].map(t => make('th', {scope: 'col'}, t));
  const body = rows.map(c => {
    const [low, up] = data.sure[c.asked][c.right], says = `${Math.round(100 * low)} to ${Math.round(100 * up)} %`;
    const bar = make('i', {style: `left:${100 * low}%;right:${100 - 100 * up}%`});
    const read = c.link ? make('a', {href: c.link, target: '_blank', rel: 'noopener'}, c.where) : c.where;
    return make('tr', {}, make('th', {scope: 'row'}, c.term), make('td', {class: 'n'}, `${c.right} of ${c.asked}`),
      make('td', {class: 'sure'}, make('span', {class: 'known', 'aria-hidden': 'true'}, bar), ' ' + says), make('td', {}, read));
  });
  const table = make('table', {}, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body));
  return [make('h2', {}, 'Your weakest concepts so far'), make('div', {class: 'table'}, table)];
}

function waysOnward(open) {
  const button = (id, text, onclick, main) => make('button', {type: 'button', class: main ? 'main' : null, id, onclick}, text);
  const rows = [button('onward', 'Next sitting', () => sittings.next(state.history), true)];
  if (open.length) rows.unshift(button('resume', 'Go on with the open ones', () => go(state.round.indexOf(open[0]))));
  rows.push(button('again', 'Start over', () => sittings.next([])));
  return make('div', {class: 'buttons'}, ...rows);
}

function elsewhere() {
  const text = lineOf(data, state.history), problem = make('p', {class: 'problem', role: 'alert'});
  const area = make('textarea', {id: 'line', 'aria-label': 'Your answers as a line of text', spellcheck: 'false'}, text);
  const take = () => {
    const history = readLine(data, area.value);
    if (typeof history === 'string') problem.textContent = history; else sittings.next(history);
  };
  return make('details', {}, make('summary', {}, 'Go on in another page'),
    make('p', {class: 'how'}, 'This line holds your answers. Paste it here in another page, or give it to SelfTest.read in a notebook.'),
    area, make('div', {class: 'buttons'}, make('button', {type: 'button', id: 'take', onclick: take}, 'Go on from this line')), problem);
}
