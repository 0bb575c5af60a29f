'use strict';
// The page of explain.mistakes: a confusion matrix whose cells open what lies in them.
//   data.title, data.classes       names, in the order of the outputs
//   data.counts[t][a]              how many of class t were answered with a, all of them
//   data.items                     those that travel with the page: {i: place in the data, t, a, p: probability of the
//                                  answer, q: of the true class, at: place in data.images, or texts: [...]}
//   data.parts                     what each text is called     data.images   packed, (items, channels, height, width)
const Mistakes = {
  ORDERS: {'surest first': (x, y) => y.p - x.p || x.i - y.i, 'least sure first': (x, y) => x.p - y.p || x.i - y.i},
  // What a choice holds: [true class, answer], or null for all mistakes
  chosen: (items, cell) => items.filter(o => cell ? o.t === cell[0] && o.a === cell[1] : o.t !== o.a),
  inOrder: (items, order) => [...items].sort(Mistakes.ORDERS[order]),
  count: (counts, cell) => cell ? counts[cell[0]][cell[1]]
    : counts.reduce((sum, row, t) => sum + row.reduce((s, n, a) => s + (t === a ? 0 : n), 0), 0),
};

if (typeof document !== 'undefined') (() => {
  const {$} = Kit, data = Kit.read();
  if (!data) { document.body.textContent = 'This page gets its data from Python: call explain.mistakes().'; return; }
  const {classes, counts, items} = data, images = data.images ? Kit.unpack(data.images) : null, PAGE = images ? 24 : 12;
  const state = {cell: null, order: Object.keys(Mistakes.ORDERS)[0], shown: PAGE, at: [0, 0]};
  const percent = p => `${(100 * p).toFixed(p > 0.995 && p < 1 ? 1 : 0)} %`;
  $('title').textContent = document.title = data.title;

  // ---- The matrix: one stop of the Tab key, arrows move in it ----
  const buttons = new Map(), key = (t, a) => `${t}.${a}`;
  function buildMatrix() {
    const head = make('tr', {}, make('th', {scope: 'col'}, 'true'), ...classes.map(c => make('th', {scope: 'col'}, c)), make('th', {scope: 'col'}, 'right'));
    const rows = counts.map((row, t) => {
      const total = row.reduce((a, b) => a + b, 0);
      const cells = row.map((n, a) => {
        const says = t === a ? `${classes[t]}, answered rightly: ${n}` : `${classes[t]}, taken for ${classes[a]}: ${n}`;
        const b = make('button', {'aria-label': says, title: says, 'aria-pressed': 'false', tabindex: -1, onclick: () => open([t, a])}, String(n));
        b.onfocus = () => { for (const o of buttons.values()) o.tabIndex = -1; b.tabIndex = 0; state.at = [t, a]; };
        buttons.set(key(t, a), b);
        return make('td', {class: t === a ? 'right' : null}, b);
      });
      return make('tr', {}, make('th', {scope: 'row'}, classes[t]), ...cells, make('td', {class: 'share'}, total ? `${percent(row[t] / total)} of ${total}` : 'none'));
    });
    $('matrix').replaceChildren(make('thead', {}, head), make('tbody', {}, ...rows));
    buttons.get(key(0, 0)).tabIndex = 0;
  }
  const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
  $('matrix').addEventListener('keydown', e => {
    const [t, a] = state.at, step = STEPS[e.key], last = classes.length - 1;
    const to = step ? [t + step[0], a + step[1]] : e.key === 'Home' ? [t, 0] : e.key === 'End' ? [t, last] : null;
    if (!to) return;
    e.preventDefault();
    buttons.get(key(...to))?.focus();
  });
  // Shade: the share of the true class, its root, so that a few mistakes can be seen
  function colourMatrix() {
    const scale = Kit.scales.positive(1);
    counts.forEach((row, t) => {
      const total = row.reduce((a, b) => a + b, 0) || 1;
      row.forEach((n, a) => {
        const rgb = scale(Math.sqrt(n / total)), {style} = buttons.get(key(t, a));
        style.background = n ? Kit.css(rgb) : ''; style.color = n ? Kit.inkOn(rgb) : '';
      });
    });
  }

  // ---- What lies in a cell ----
  function drawImage(canvas, at) {
    const [, channels, h, w] = images.shape, plane = h * w, from = at * channels * plane, pixels = new ImageData(w, h);
    for (let i = 0; i < plane; i++) {
      for (let k = 0; k < 3; k++) pixels.data[4 * i + k] = images.values[from + (channels === 3 ? k : 0) * plane + i];
      pixels.data[4 * i + 3] = 255;
    }
    canvas.width = w; canvas.height = h;
    canvas.getContext('2d').putImageData(pixels, 0, 0);
  }
  function card(o) {
    const right = o.t === o.a, says = [make('p', {}, make('b', {}, classes[o.a]), ` ${percent(o.p)}`)];
    says.push(make('p', {class: 'part'}, right ? 'right' : `is ${classes[o.t]}, ${percent(o.q)}`), make('p', {class: 'part number'}, `number ${o.i}`));
    if (images) {
      const canvas = make('canvas', {role: 'img', 'aria-label': `Image ${o.i}`});
      drawImage(canvas, o.at);
      return make('li', {class: 'image'}, canvas, ...says);
    }
    const texts = o.texts.map((text, k) => make('p', {}, ...(data.parts[k] ? [make('span', {class: 'part'}, `${data.parts[k]}: `)] : []), text));
    says[0].append(right ? ', right' : `; is ${classes[o.t]}, ${percent(o.q)}`, make('span', {class: 'part number'}, `, number ${o.i}`));
    return make('li', {class: 'text'}, ...texts, says[0]);
  }
  function show() {
    const found = Mistakes.inOrder(Mistakes.chosen(items, state.cell), state.order), n = Mistakes.count(counts, state.cell), {cell} = state;
    const name = !cell ? 'All mistakes' : cell[0] === cell[1] ? `${classes[cell[0]]}, answered rightly` : `${classes[cell[0]]}, taken for ${classes[cell[1]]}`;
    $('h-items').textContent = `${name}: ${n}`;
    $('items').replaceChildren(...found.slice(0, state.shown).map(card));
    $('left').textContent = !n ? 'Nothing lies here.' : found.length < n ? `The page holds the ${found.length} surest of these ${n}.` : '';
    $('more').hidden = found.length <= state.shown;
    for (const [k, b] of buttons) b.setAttribute('aria-pressed', String(cell !== null && k === key(...cell)));
    $('all').setAttribute('aria-pressed', String(cell === null));
  }
  function open(cell) {
    Object.assign(state, {cell, shown: PAGE});
    Kit.timed(show);
    Kit.say($('h-items').textContent);
  }
  $('all').onclick = () => open(null);
  $('order').replaceChildren(...Object.keys(Mistakes.ORDERS).map(o => make('option', {}, o)));
  $('order').onchange = () => { state.order = $('order').value; open(state.cell); };
  $('more').onclick = () => { state.shown += PAGE; Kit.timed(show); };

  Kit.timed(() => { buildMatrix(); colourMatrix(); show(); });
  Kit.whenLooksChange(colourMatrix);
})();
