// A guess before a result, and the result that looks for it. They stand in two frames of one page (in some front ends
// each inside a frame of its own), which cannot read one another, but may send messages: the result asks every frame
// of the page for the guess, and a guess tells every frame when it is made.
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const say = text => { $('live').textContent = ''; setTimeout(() => { $('live').textContent = text; }, 50); };
const asks = data.mode === 'ask';

// ---- between the frames

function frames(w, found = []) {
  for (let i = 0; i < w.length; i++) { found.push(w[i]); frames(w[i], found); }
  return found;
}
// The page around all of them is told as well: on the course's site it keeps the guess, as these frames have no storage.
const tell = message => [window.top, ...frames(window.top)].forEach(w => w !== window && w.postMessage({course_labs: data.id, ...message}, '*'));
const isGuess = g => typeof g === 'number' && Number.isFinite(g) && (data.form === 'number' || data.options[g] !== undefined);

// ---- the question

const store = makeStore('course_labs.prediction.' + data.id);
let guess = null;

function read(form) {
  if (data.form === 'choice') {
    const box = form.querySelector('[name=answer]:checked');
    return box ? Number(box.value) : 'Choose one first: a wrong guess teaches more than none.';
  }
  const [low, high] = data.range, typed = form.querySelector('[name=answer]').value;
  const how = [high >= 1000, data.unit.includes('%')], given = readNumber(typed, ...how);  // thousands only where it can be so many
  if (given === null) return askBack(typed, ...how);
  return low <= given && given <= high ? given : `It is a number from ${low} to ${high}.`;
}

function rows() {
  const locked = guess !== null;
  if (data.form === 'choice') {
    return data.options.map((o, k) => make('label', {class: 'option' + (guess === k ? ' chosen' : '')},
      make('input', {type: 'radio', name: 'answer', value: k, checked: guess === k, disabled: locked}), make('span', {html: o})));
  }
  const input = make('input', {type: 'text', inputmode: 'decimal', autocomplete: 'off', name: 'answer', value: locked ? guess : '',
    disabled: locked, 'aria-label': 'Your guess' + (data.unit ? ' in ' + data.unit : '')});
  return [make('div', {class: 'field'}, input, make('span', {}, `${data.unit} (from ${data.range[0]} to ${data.range[1]})`.trim()))];
}

function ask() {
  const problem = make('p', {class: 'problem', role: 'alert'});
  const form = make('fieldset', {}, make('legend', {html: data.html}), ...rows(), problem);
  const commit = () => {
    const given = read(form);
    if (typeof given === 'string') { problem.textContent = given; return; }
    guess = given;
    store.write(guess);
    ask();
    tell({guess});
    say('Your guess is kept.');
  };
  form.addEventListener('keydown', e => { if (e.key === 'Enter' && guess === null) { e.preventDefault(); commit(); } });
  const change = () => { guess = null; ask(); };
  const button = guess === null ? make('button', {type: 'button', class: 'main', id: 'commit', onclick: commit}, 'That is my guess')
    : make('button', {type: 'button', id: 'change', onclick: change}, 'Change it');
  const next = guess === null ? 'Guess before you run the next cell.' : 'Kept. Now run the next cell and look what comes.';
  $('main').replaceChildren(make('h2', {}, 'Predict'), form, make('div', {class: 'buttons'}, button, make('span', {class: 'muted'}, next)));
}

// ---- what came

const short = x => String(Number(x.toPrecision(3)));

function scale() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const [low, high] = data.range, x = v => 20 + 360 * (Math.min(Math.max(v, low), high) - low) / (high - low || 1);
  const add = (tag, attributes, text = '') => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    e.textContent = text;
    svg.append(e);
  };
  svg.setAttribute('viewBox', '0 0 400 46');
  svg.setAttribute('class', 'scale');
  svg.setAttribute('aria-hidden', 'true');
  add('line', {x1: 20, x2: 380, y1: 23, y2: 23});
  add('circle', {class: 'guess', cx: x(guess), cy: 23, r: 6});
  add('text', {x: x(guess), y: 12}, 'guess');
  add('circle', {class: 'came', cx: x(data.came), cy: 23, r: 6});
  add('text', {x: x(data.came), y: 42}, 'came');
  return svg;
}

function judgement() {
  if (data.form === 'choice') {
    const right = guess === data.came;
    return [right, right ? 'As you said: ' : 'You said otherwise. It came out so: '];
  }
  const off = guess - data.came, near = Math.abs(off) <= data.near + 1e-12;
  const words = off > 0 ? 'too high' : 'too low', unit = data.unit ? ' ' + data.unit : '';
  return [near, `You said ${short(guess)}${unit}, it came out at ${data.shown}: ` +
    (near ? 'near enough. ' : `${short(Math.abs(off))} ${words}. `)];
}

function show() {
  const box = make('div', {class: 'verdict'});
  if (guess === null) box.append(make('p', {}, `It came out ${data.form === 'choice' ? 'so' : 'at ' + data.shown}: `));
  else {
    const [good, text] = judgement();
    box.classList.add(good ? 'good' : 'bad');
    box.append(make('p', {}, make('strong', {}, text)));
    if (data.form === 'number') box.append(scale());
    say(text);
    tell({near: good});
  }
  if (data.form === 'choice') box.append(make('p', {html: data.options[data.came]}));
  box.append(make('p', {html: data.feedback}));
  $('main').replaceChildren(make('h2', {}, 'What came'), box);
}

function outcome() {
  const button = make('button', {type: 'button', id: 'show', onclick: show}, 'Show it without a guess');
  const waits = make('p', {class: 'how'}, 'Make your guess above first; this cell then says how far off it was.');
  $('main').replaceChildren(make('h2', {}, 'What came'), waits, make('div', {class: 'buttons'}, button));
  tell({wanted: true});
}

window.addEventListener('message', e => {
  const m = e.data;
  if (!m || m.course_labs !== data.id) return;
  if (asks && guess === null && isGuess(m.before)) { guess = m.before; ask(); tell({guess}); }
  if (asks && m.wanted && guess !== null) e.source.postMessage({course_labs: data.id, guess}, '*');
  if (!asks && isGuess(m.guess)) { guess = m.guess; show(); }
});
if (asks) {
  const kept = store.read();
  if (isGuess(kept)) guess = kept;
  else tell({kept: true});
  ask();
} else outcome();
