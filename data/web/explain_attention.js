'use strict';
// The page of explain.attention: who looks at whom in a transformer, and from which numbers that comes.
//   data.which, data.total         layers in the page, of how many
//   data.inputs                    one or two: {tokens: [names], layers}; an image also {image: packed (c, h, w), grid: [rows, cols]}
//   layers                         each {q, k, v: packed (heads, n, d), scale, seen: packed (n, n) or null: 1 where a token may look;
//                                  k_far, q_far: packed (heads, 2n - 1, d), of DeBERTa: a key and a query for each distance;
//                                  bias: packed (heads, n, n), what some models add}
const Attend = {
  ARRAYS: ['q', 'k', 'v', 'k_far', 'q_far', 'bias', 'seen'],
  opened(layer) {
    const res = {...layer};
    for (const name of Attend.ARRAYS) res[name] = layer[name] ? Kit.unpack(layer[name]) : null;
    return res;
  },
  // Dot product of row i of a and row j of b, in one head
  dot(a, i, b, j, head) {
    const d = a.shape[2], from = (head * a.shape[1] + i) * d, to = (head * b.shape[1] + j) * d;
    let sum = 0;
    for (let c = 0; c < d; c++) sum += a.values[from + c] * b.values[to + c];
    return sum;
  },
  // What the scores of query i are the sum of: {name: one number a key}
  parts(layer, head, i) {
    const {q, k, k_far, q_far, bias, scale} = layer, n = q.shape[1], far = j => i - j + n - 1;  // row of the distance
    const each = score => Float64Array.from({length: n}, (_, j) => score(j));
    const res = {'content to content': each(j => scale * Attend.dot(q, i, k, j, head))};
    if (k_far) res['content to position'] = each(j => scale * Attend.dot(q, i, k_far, far(j), head));
    if (q_far) res['position to content'] = each(j => scale * Attend.dot(k, j, q_far, far(j), head));
    if (bias) res['bias of the place'] = each(j => bias.values[(head * n + i) * n + j]);
    return res;
  },
  maySee: (layer, i, j) => !layer.seen || layer.seen.values[i * layer.q.shape[1] + j] === 1,
  softmax(scores) {  // minus infinity becomes 0; less the largest, so that no power is too large
    const top = Math.max(...scores), powers = scores.map(s => Math.exp(s - top)), sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(p => p / sum);
  },
  size: x => Math.sqrt(x.reduce((s, v) => s + v * v, 0)),
  value: (layer, head, j) => layer.v.values.subarray((head * layer.v.shape[1] + j) * layer.v.shape[2], (head * layer.v.shape[1] + j + 1) * layer.v.shape[2]),
  // All of one query: parts, scores (minus infinity where it may not look), weights, the sizes of the values, the output
  row(layer, head, i) {
    const parts = Attend.parts(layer, head, i), n = layer.q.shape[1];
    const scores = Float64Array.from({length: n}, (_, j) => Attend.maySee(layer, i, j) ? Object.values(parts).reduce((s, p) => s + p[j], 0) : -Infinity);
    const weights = Attend.softmax(scores), output = new Float64Array(layer.v.shape[2]), sizes = new Float64Array(n);
    for (let j = 0; j < n; j++) {
      const v = Attend.value(layer, head, j);
      sizes[j] = Attend.size(v);
      for (let c = 0; c < output.length; c++) output[c] += weights[j] * v[c];
    }
    return {parts, scores, weights, sizes, output, norm: Attend.size(output)};
  },
  rows: (layer, head) => Array.from({length: layer.q.shape[1]}, (_, i) => Attend.row(layer, head, i)),
  // Over how many tokens a row is spread: two to the power of its entropy in bits, 1 to n
  spread: weights => Math.exp(-weights.reduce((s, w) => s + (w > 0 ? w * Math.log(w) : 0), 0)),
};

if (typeof document !== 'undefined') (() => {
  const {$} = Kit, data = Kit.read();
  if (!data) { document.body.textContent = 'This page gets its data from Python: call explain.attention().'; return; }
  const inputs = data.inputs.map(o => ({...o, layers: o.layers.map(Attend.opened), pixels: o.image ? Kit.unpack(o.image) : null}));
  const state = {layer: 0, head: 0, what: 'weights'}, TWO = inputs.length > 1, MANY = 10;
  const headsOf = l => inputs[0].layers[l].q.shape[0];
  const known = new Map();  // rows are computed once
  function rowsOf(k, l = state.layer, h = state.head) {
    const key = `${k}.${l}.${h}`;
    if (!known.has(key)) known.set(key, Attend.rows(inputs[k].layers[l], h));
    return known.get(key);
  }
  const HIDDEN = [128, 128, 128];  // what a token may not see
  const topOf = rows => rows.reduce((m, r) => Math.max(m, ...r.weights), 0);

  // ---- All heads: a small square each; the first input's ----
  const mostHeads = Math.max(...data.which.map((_, l) => headsOf(l)));
  const paper = document.createElement('canvas');
  function small(rows) {  // the weights as a picture, a pixel a pair
    const n = rows.length, top = topOf(rows), scale = Kit.scales.positive(top), ctx = paper.getContext('2d');
    paper.width = paper.height = n;
    const made = ctx.createImageData(n, n);
    rows.forEach((r, i) => r.weights.forEach((w, j) => made.data.set([...scale(w), 255], 4 * (i * n + j))));
    ctx.putImageData(made, 0, 0);
    return paper;
  }
  const overview = Kit.roving($('heads'), {
    label: 'All heads: layers from top to bottom, heads from left to right; Enter chooses one', size: () => [data.which.length, mostHeads], hover: false,
    moved: () => drawHeads(), act: (r, c) => { if (c < headsOf(r)) choose(r, c); }, says: (r, c) => c < headsOf(r) ? `layer ${data.which[r]}, head ${c}` : 'empty'});
  function drawHeads() {
    const side = mostHeads > 8 || data.which.length > 8 ? 44 : 64;
    $('heads').style.width = `${mostHeads * side}px`; $('heads').style.height = `${data.which.length * side}px`;
    const {ctx, width, height} = Kit.prepare($('heads')), w = width / mostHeads, h = height / data.which.length;
    ctx.imageSmoothingEnabled = false;
    for (let l = 0; l < data.which.length; l++) for (let k = 0; k < headsOf(l); k++) ctx.drawImage(small(rowsOf(0, l, k)), k * w + 2, l * h + 2, w - 4, h - 4);
    Kit.outline(ctx, [state.head * w, state.layer * h, w, h]);
    if (document.activeElement === $('heads')) { const [r, c] = overview.at; Kit.outline(ctx, [c * w, r * h, w, h], {dash: [4, 3], width: 1}); }
  }

  // ---- One input: its tokens or patches, the square of its weights, one row in full ----
  const cell = (...what) => make('td', {}, ...what), heading = text => make('th', {scope: 'col'}, text);
  function sideOf(input, k) {
    const n = input.tokens.length, patches = input.grid ? input.grid[0] * input.grid[1] : 0, first = n - patches;
    const name = !TWO ? (input.grid ? 'Image' : 'Text') : `${input.grid ? 'Image' : 'Text'} ${k + 1}`;
    const side = {query: input.grid ? first + Math.floor(input.grid[0] / 2) * input.grid[1] + Math.floor(input.grid[1] / 2) : Math.min(1, n - 1), all: false};
    const tokens = make('div', {class: 'tokens', role: 'group', 'aria-label': `${name}: the token that looks`});
    const square = make('canvas', {class: 'map picks square'}), squareSays = make('p', {class: 'says'}), says = make('p', {class: 'says'});
    const table = make('div', {class: 'scrolls', tabindex: 0, role: 'group', 'aria-label': `${name}: from scores to the output`});
    const more = make('button', {'aria-expanded': 'false', onclick: () => { side.all = !side.all; drawRow(); }});
    const image = make('canvas', {class: 'map picks'}), looks = make('canvas', {class: 'map', role: 'img'});
    const pictures = make('div', {class: 'pictures'}, make('div', {}, make('h3', {}, 'Patch that looks'), image), make('div', {}, make('h3', {}, 'What it looks at'), looks));
    side.el = make('section', {class: 'side', 'aria-label': name}, make('h2', {}, name), ...(first ? [tokens] : []), ...(patches ? [pictures] : []),
      make('div', {class: 'panels'}, make('div', {}, make('h3', {}, 'Query (row) against key (column)'), square, squareSays),
        make('div', {class: 'row'}, make('h3', {}, 'One row'), says, table, make('span', {class: 'buttons'}, more))));
    const row = () => rowsOf(k)[side.query], at = j => `${input.tokens[j]}${input.grid ? '' : ` (${j})`}`;
    side.choose = i => {
      side.query = i; cells.at[0] = i;
      if (i >= first && patches) patch.at = [Math.floor((i - first) / input.grid[1]), (i - first) % input.grid[1]];
      Kit.timed(side.draw);
      const best = row().weights.indexOf(Math.max(...row().weights));
      Kit.say(`${at(i)} looks most at ${at(best)}: ${Kit.number(row().weights[best])}`);
    };

    // Tokens: one stop of the Tab key, arrows move among them
    const buttons = input.tokens.slice(0, first || 0).map((t, i) => make('button', {onclick: () => side.choose(i)}, t));
    tokens.append(...buttons);
    tokens.addEventListener('keydown', e => {
      const step = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1}[e.key], now = buttons.indexOf(document.activeElement);
      const to = step ? now + step : e.key === 'Home' ? 0 : e.key === 'End' ? buttons.length - 1 : -1;
      if (!buttons[to]) return;
      e.preventDefault();
      side.choose(to); buttons[to].focus();
    });
    function drawTokens() {
      const {weights} = row(), scale = Kit.scales.positive(Math.max(...weights)), stop = Math.min(side.query, buttons.length - 1);
      buttons.forEach((b, j) => {
        const rgb = scale(weights[j]), chosen = j === side.query;
        b.style.background = Kit.css(rgb); b.style.color = Kit.inkOn(rgb); b.tabIndex = j === stop ? 0 : -1;
        b.setAttribute('aria-pressed', String(chosen));
        b.title = `weight ${Kit.number(weights[j])}`;
        b.setAttribute('aria-label', `${input.tokens[j]}, token ${j}, weight ${Kit.number(weights[j])}`);
      });
    }

    // An image: the patch that looks, and the weights where the patches are
    const patch = Kit.roving(image, {label: `${name}: arrow keys choose the patch that looks`, size: () => input.grid || [1, 1], hover: false,
      moved: (r, c) => side.choose(first + r * input.grid[1] + c), act: (r, c) => { if (patches) side.choose(first + r * input.grid[1] + c); },
      says: (r, c) => `patch in row ${r}, column ${c}`});
    function drawImages() {
      if (!patches) return;
      const [channels, h, w] = input.pixels.shape, [rows, cols] = input.grid, {weights} = row(), made = new ImageData(w, h);
      for (let i = 0; i < h * w; i++) {
        for (let c = 0; c < 3; c++) made.data[4 * i + c] = input.pixels.values[(channels === 3 ? c : 0) * h * w + i];
        made.data[4 * i + 3] = 255;
      }
      paper.width = w; paper.height = h;
      paper.getContext('2d').putImageData(made, 0, 0);
      image.style.aspectRatio = looks.style.aspectRatio = `${w} / ${h}`;
      const p = Kit.prepare(image), shown = [...weights.slice(first)], i = side.query - first;
      p.ctx.imageSmoothingEnabled = false;
      p.ctx.drawImage(paper, 0, 0, p.width, p.height);
      const box = j => [j % cols * p.width / cols, Math.floor(j / cols) * p.height / rows, p.width / cols, p.height / rows];
      if (i >= 0) Kit.outline(p.ctx, box(i));
      const map = Kit.drawMap(looks, shown, rows, cols, {scale: Kit.scales.positive(Math.max(...shown))});
      if (i >= 0) Kit.outline(map.ctx, map.box(Math.floor(i / cols), i % cols), {width: 1});
      const best = shown.indexOf(Math.max(...shown));
      looks.setAttribute('aria-label', `Weights on the patches; the largest is ${Kit.number(shown[best])} on ${input.tokens[first + best]}`);
    }

    // The square: weights, scores, or a part of the scores
    const cells = Kit.roving(square, {label: `${name}: rows are queries, columns keys; arrow keys move`, size: () => [n, n], hover: false,
      moved: r => { if (r !== side.query) side.choose(r); else drawSquare(); }, says: (r, c) => pairSays(r, c)});
    cells.at = [side.query, Math.min(side.query, n - 1)];
    const pick = r => state.what === 'weights' ? r.weights : state.what === 'scores' ? r.scores : r.parts[state.what];
    function pairSays(r, c) {
      const v = pick(rowsOf(k)[r])[c];
      return `${at(r)} looks at ${at(c)}: ${Number.isFinite(v) ? Kit.number(v) : 'it may not'}`;
    }
    function drawSquare() {
      const rows = rowsOf(k), values = rows.flatMap(r => [...pick(r)]), top = Kit.top(values.filter(Number.isFinite));
      const scale = state.what === 'weights' ? Kit.scales.positive(top) : Kit.scales.signed(top);
      const p = Kit.drawMap(square, values, n, n, {scale: v => Number.isFinite(v) ? scale(v) : HIDDEN, numbers: n <= 8});
      Kit.outline(p.ctx, p.box(side.query, 0, 1, n), {width: 1});
      if (n <= 64) Kit.outline(p.ctx, p.box(...cells.at), {dash: [3, 2], width: 1});
      squareSays.textContent = `${pairSays(...cells.at)}. ${state.what === 'weights' ? `Dark is 0, yellow ${Kit.number(top)}` : `Grey is 0, yellow ${Kit.number(top)}, blue ${Kit.number(-top)}`}.`;
    }

    // One row: the keys that weigh most, all numbers from the parts of the score to the output
    function drawRow() {
      const {parts, scores, weights, sizes, norm} = row(), names = Object.keys(parts), order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
      const shown = side.all ? order : order.slice(0, MANY), rest = order.slice(shown.length), several = names.length > 1;
      says.textContent = `${at(side.query)} looks: scores from ${Kit.number(Math.min(...scores.filter(Number.isFinite)), 2)} to ${Kit.number(Math.max(...scores), 2)}; `
        + `the weights are spread as over ${Kit.number(Attend.spread(weights), 1)} of ${n} tokens; the output's norm is ${Kit.number(norm)}.`;
      const line = j => make('tr', {}, cell(at(j)), ...(several ? names.map(p => cell(Kit.number(parts[p][j], 2))) : []), cell(Number.isFinite(scores[j]) ? Kit.number(scores[j], 2) : 'may not look'),
        cell(Kit.number(weights[j])), cell(Kit.number(sizes[j], 2)), cell(Kit.number(weights[j] * sizes[j])));
      const head = make('tr', {}, heading('key'), ...(several ? names.map(heading) : []), ...['score', 'weight', 'norm of value', 'product'].map(heading));
      const sum = js => js.reduce((s, j) => s + weights[j], 0), long = js => js.reduce((s, j) => s + weights[j] * sizes[j], 0), gap = () => (several ? names : []).map(() => cell());
      const left = rest.length ? [make('tr', {}, cell(`${rest.length} others`), ...gap(), cell(), cell(Kit.number(sum(rest))), cell(), cell(Kit.number(long(rest))))] : [];
      table.replaceChildren(make('table', {}, make('thead', {}, head), make('tbody', {}, ...shown.map(line), ...left,
        make('tr', {class: 'sum'}, cell('together'), ...gap(), cell(), cell(Kit.number(sum(order))), cell(), cell(Kit.number(long(order)))))));
      more.hidden = n <= MANY;
      more.textContent = side.all ? `The ${MANY} largest alone` : `All ${n} keys`;
      more.setAttribute('aria-expanded', String(side.all));
    }
    side.draw = () => { drawTokens(); drawImages(); drawSquare(); drawRow(); };
    for (const c of [square, image]) for (const e of ['focus', 'blur']) c.addEventListener(e, () => side.draw());
    return side;
  }

  // ---- Set up ----
  const sides = inputs.map(sideOf);
  $('sides').append(...sides.map(s => s.el));
  const options = (id, names) => $(id).replaceChildren(...names.map(([v, text]) => make('option', {value: v}, text)));
  function choose(l, h) {
    state.layer = l; state.head = Math.min(h, headsOf(l) - 1);
    options('head', Array.from({length: headsOf(l)}, (_, i) => [i, String(i)]));
    $('layer').value = l; $('head').value = state.head; overview.at = [l, state.head];
    const names = Object.keys(Attend.parts(inputs[0].layers[l], 0, 0));
    options('what', [['weights', 'weights'], ['scores', 'scores'], ...(names.length > 1 ? names.map(o => [o, `part: ${o}`]) : [])]);
    if (![...$('what').options].some(o => o.value === state.what)) state.what = 'weights';
    $('what').value = state.what;
    Kit.timed(draw);
    Kit.say(`layer ${data.which[l]}, head ${state.head}`);
  }
  function draw() { drawHeads(); for (const s of sides) s.draw(); }
  options('layer', data.which.map((o, l) => [l, String(o)]));
  $('layer').onchange = () => choose(+$('layer').value, state.head);
  $('head').onchange = () => choose(state.layer, +$('head').value);
  $('what').onchange = () => { state.what = $('what').value; Kit.timed(draw); };
  const shown = data.which.length === data.total ? '' : ` The page holds the layers ${data.which.join(', ')} of ${data.total}.`;
  $('heads-says').textContent = `Rows are layers, columns heads${TWO ? `; of ${inputs[0].grid ? 'image' : 'text'} 1` : ''}. Yellow is a large weight, each square on a scale of its own.${shown}`;
  for (const e of ['focus', 'blur']) $('heads').addEventListener(e, drawHeads);
  choose(0, 0);
  Kit.whenLooksChange(draw);
})();
