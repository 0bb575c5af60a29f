'use strict';
// The page: controls, the picture of the network, the loop. The mathematics is in playground_net.js.
(() => {
  const {table, settings: start} = JSON.parse(document.getElementById('data').textContent || 'null') ?? {};
  const $ = id => document.getElementById(id);
  const make = (tag, props = {}, ...children) => { const el = Object.assign(document.createElement(tag), props); el.append(...children); return el; };
  if (!table) { document.body.textContent = 'This page gets its settings from Python: call show().'; return; }

  const THUMB = 25, MOVING = 50, STILL = 100;  // Grid points on a side: a neuron's picture, the surface while training and at rest
  let settings, data, net, init, epoch, steps, at, history, playing = false, chosen = null, looking = null, theme = {}, canvases = [], segments = [];
  const timing = {work: [], gaps: []};

  // ---- State ----
  const split = () => Net.split(data, settings.train_ratio);
  const kindOf = s => ({problem: Net.problem(s.dataset, s.points), classes: Net.nClasses(s.dataset, s.points)});
  const several = () => net.problem === 'classes';
  // Own points may be too few, or of one class
  const canTrain = () => settings.dataset !== 'own' || (settings.points.length >= table.points.fewest && new Set(settings.points.map(p => p[2])).size > 1);
  const FIRST = `Draw at least ${table.points.fewest} points of two or more classes first, or choose a csv.`;
  function newData() { data = Net.makeData(settings.dataset, settings.noise, settings.seed, 500, settings.points); Object.assign(data, split()); }
  function newNet() {
    net = new Net.PlaygroundNet({...settings, ...kindOf(settings)});
    init = net.weights();
    restart();
  }
  function restart() { epoch = 0; steps = 0; at = 0; history = []; remember(); }
  function remember() {
    const train = net.evaluate(data.train), test = net.evaluate(data.test);
    history.push([epoch + at / (data.train.y.length || 1), train.loss, test.loss, train.accuracy, test.accuracy]);
    if (history.length > 1200) history = history.filter((_, i) => i % 2 === 0 || i === history.length - 1);
  }
  function oneStep() {
    const n = data.train.y.length, to = Math.min(at + settings.batch_size, n);
    net.step(data.train, at, to, settings);
    steps++; at = to;
    if (at >= n) { at = 0; epoch++; }
  }
  function oneEpoch() { const goal = epoch + 1; while (epoch < goal) oneStep(); }

  // ---- Settings ----
  function apply(next) {
    const old = settings ?? {};
    settings = next;
    const differs = (...names) => names.some(k => JSON.stringify(old[k]) !== JSON.stringify(settings[k]));
    const fresh = differs('dataset', 'noise', 'train_ratio', 'seed', 'points');
    const shape = differs('features', 'hidden', 'activation', 'seed') || (old.dataset && JSON.stringify(kindOf(old)) !== JSON.stringify(kindOf(settings)));
    if (fresh) newData();
    if (!net || shape || differs('dataset')) { chosen = null; newNet(); buildNet(); }
    else if (fresh) { history = []; remember(); at = 0; }
    showSettings();
    if (fresh || differs('show_test')) drawPoints();
    if (differs('points') || !old.dataset) drawOwn();
    if (!canTrain()) { pause(); say(FIRST); }
    draw();
  }
  function change(part) {
    say('');
    try { apply(Settings.check(Object.fromEntries(Object.entries({...settings, ...part}).map(([k, v]) => [k, Settings.wrap(v)])), table)); }
    catch (e) { if (!(e instanceof RangeError)) throw e; say(e.message, true); showSettings(); }
  }
  function paste(text) {
    try { apply(Settings.check(Settings.parse(text), table)); }
    catch (e) { if (!(e instanceof RangeError)) throw e; say(e.message, true); return false; }
    $('line').value = line();
    say('These settings are in use.');
    return true;
  }
  const line = () => Settings.line(settings, table);
  function say(text, bad = false) { $('message').textContent = text; $('message').classList.toggle('bad', bad); }
  function report() {
    const [, train, test] = history.at(-1);
    $('status').textContent = `Epoch ${epoch}, step ${steps}, train loss ${train.toFixed(3)}, test loss ${test.toFixed(3)}`;
  }

  const RATES = {lr: [0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 3, 10], reg_rate: [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]};
  function showSettings() {
    for (const [id, rates] of Object.entries(RATES)) {
      const values = [...new Set([...rates, settings[id]])].sort((a, b) => a - b);
      if ($(id).options.length !== values.length || Number($(id).value) !== settings[id]) $(id).replaceChildren(...values.map(v => make('option', {value: v, textContent: v})));
      $(id).value = settings[id];
    }
    for (const id of ['activation', 'regularisation', 'seed', 'noise', 'train_ratio', 'batch_size']) $(id).value = settings[id];
    $('noise-out').textContent = `${settings.noise} %`;
    $('train_ratio-out').textContent = `${settings.train_ratio} %`;
    $('batch_size-out').textContent = settings.batch_size;
    for (const id of ['show_test', 'discretise']) $(id).checked = settings[id];
    for (const radio of $('datasets').querySelectorAll('input')) radio.checked = radio.value === settings.dataset;
    $('reg_rate').disabled = settings.regularisation === 'none';
    $('reseed').disabled = settings.seed >= table.seed.high;
    if (document.activeElement !== $('line')) $('line').value = line();
    $('accuracies').hidden = kindOf(settings).problem === 'regression';
    $('own').hidden = settings.dataset !== 'own';
    $('drawn').textContent = canTrain() ? `${settings.points.length} points, ${data.test.y.length} of them for testing` : `${settings.points.length} points`;
    $('first').hidden = canTrain();
    $('first').textContent = FIRST;
    $('plane').classList.toggle('drawing', settings.dataset === 'own');
    $('undo').disabled = $('clear').disabled = !settings.points.length;
    showLegend();
  }

  // ---- The network's picture: columns of buttons over a canvas of lines ----
  function neuronButton(name, layer, j, label) {
    const canvas = make('canvas', {width: THUMB, height: THUMB});
    const b = make('button', {className: 'neuron', title: label}, canvas);
    b.setAttribute('aria-label', label);
    if (name) b.append(make('span', {className: 'name', textContent: name}));
    canvases.push({canvas, ctx: canvas.getContext('2d'), image: new ImageData(THUMB, THUMB), layer, j, name});
    b.addEventListener('pointerenter', e => { if (e.pointerType === 'mouse') look(layer, j); });
    b.addEventListener('pointerleave', e => { if (e.pointerType === 'mouse') look(null); });
    return b;
  }
  function neuronName(layer, j) {
    if (!layer) return settings.features[j];
    if (layer === net.W.length && several()) return j < 0 ? 'the likeliest class' : `the probability of class ${j}`;
    return layer === net.W.length ? 'the output' : `neuron ${j + 1} of layer ${layer}`;
  }
  function buildNet() {
    canvases = []; looking = null;
    const columns = [], features = make('div', {className: 'column features'}, make('div', {className: 'size', textContent: 'features'}));
    for (const f of table.features.choices) {
      const j = settings.features.indexOf(f), b = neuronButton(f, 0, j, `Feature ${f}`);
      b.setAttribute('aria-pressed', String(j >= 0));
      b.classList.toggle('off', j < 0);
      b.dataset.feature = f;
      b.onclick = () => change({features: j >= 0 ? settings.features.filter(o => o !== f) : [...settings.features, f]});
      features.append(b);
    }
    columns.push(features);
    settings.hidden.forEach((n, l) => {
      const resize = by => change({hidden: settings.hidden.map((m, k) => k === l ? m + by : m)});
      const more = make('button', {textContent: '+', disabled: n >= table.hidden.high, onclick: () => resize(1)});
      const less = make('button', {textContent: '−', disabled: n <= table.hidden.low, onclick: () => resize(-1)});
      more.setAttribute('aria-label', `Add a neuron to layer ${l + 1}`);
      less.setAttribute('aria-label', `Remove a neuron from layer ${l + 1}`);
      more.dataset.focus = `more${l}`; less.dataset.focus = `less${l}`;
      const column = make('div', {className: 'column'}, make('div', {className: 'size'}, more, less));
      for (let j = 0; j < n; j++) column.append(pick(neuronButton('', l + 1, j, `Neuron ${j + 1} of layer ${l + 1}`), l + 1, j));
      columns.push(column);
    });
    const last = settings.hidden.length + 1;
    const output = make('div', {className: 'column'}, make('div', {className: 'size', textContent: 'output'}));
    for (let j = 0; j < net.sizes.at(-1); j++) output.append(pick(neuronButton('', last, j, several() ? `Output neuron of class ${j}` : 'Output neuron'), last, j));
    columns.push(output);
    const focus = document.activeElement?.dataset?.focus ?? document.activeElement?.dataset?.feature;
    $('columns').replaceChildren(...columns);
    // The column was rebuilt: put the keyboard's focus back where it was
    if (focus) $('columns').querySelector(`[data-focus="${focus}"], [data-feature="${CSS.escape(focus)}"]`)?.focus();
    $('layer-count').textContent = settings.hidden.length;
    $('layer-word').textContent = settings.hidden.length === 1 ? 'layer' : 'layers';
    $('less-layers').disabled = !settings.hidden.length;
    $('more-layers').disabled = settings.hidden.length >= table.hidden.most;
    layout();
    showEditor();
  }
  function pick(b, layer, j) {
    b.dataset.neuron = `${layer}.${j}`;
    b.dataset.focus = `n${layer}.${j}`;
    b.setAttribute('aria-pressed', 'false');
    b.onclick = () => {
      chosen = chosen?.layer === layer && chosen.j === j ? null : {layer, j};
      showEditor(); draw();
    };
    return b;
  }
  function layout() {
    const width = $('net').clientWidth, n = settings.hidden.length + 2;
    if (!width) return;
    const labels = parseFloat(getComputedStyle(document.querySelector('.column.features')).paddingLeft);
    const node = Math.max(24, Math.min(44, Math.floor((width - labels) / (n + (n - 1) * 0.45))));
    $('net').style.setProperty('--node', `${node}px`);
    const box = $('net').getBoundingClientRect(), ratio = window.devicePixelRatio || 1, canvas = $('links');
    canvas.width = Math.round(box.width * ratio); canvas.height = Math.round(box.height * ratio);
    canvas.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
    const place = new Map(canvases.filter(o => o.j >= 0).map(o => [`${o.layer}.${o.j}`, o.canvas.parentNode.getBoundingClientRect()]));
    segments = [];
    net.W.forEach((_, l) => {
      for (let j = 0; j < net.sizes[l + 1]; j++) for (let i = 0; i < net.sizes[l]; i++) {
        const p = place.get(`${l}.${i}`), q = place.get(`${l + 1}.${j}`);
        segments.push({l, i, j, k: j * net.sizes[l] + i, x1: p.right - box.left, y1: p.top + p.height / 2 - box.top, x2: q.left - box.left, y2: q.top + q.height / 2 - box.top});
      }
    });
    for (const id of ['points', 'curve']) {
      const c = $(id), r = c.getBoundingClientRect();
      c.width = Math.round(r.width * ratio); c.height = Math.round(r.height * ratio);
      c.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    drawPoints(); draw();
  }

  // Bias and incoming weights of the chosen neuron, as numbers to edit
  function showEditor() {
    for (const b of $('columns').querySelectorAll('[data-neuron]')) {
      const on = chosen !== null && b.dataset.neuron === `${chosen.layer}.${chosen.j}`;
      b.classList.toggle('chosen', on); b.setAttribute('aria-pressed', String(on));
    }
    $('editor').hidden = !chosen;
    if (!chosen) { $('editor').replaceChildren(); return; }
    const {layer, j} = chosen, l = layer - 1, n = net.sizes[l];
    const field = (label, get, set) => {
      const input = make('input', {type: 'number', step: 'any', value: get().toFixed(4)});
      input.onchange = () => {
        const v = input.valueAsNumber;
        if (!Number.isFinite(v)) { say(`${label}: expected a number`, true); input.value = get().toFixed(4); return; }
        say(''); set(v); remember(); draw();
      };
      input.refresh = () => { if (document.activeElement !== input) input.value = get().toFixed(4); };
      return make('label', {}, label, input);
    };
    $('editor').replaceChildren(
      field('bias', () => net.b[l][j], v => { net.b[l][j] = v; }),
      ...Array.from({length: n}, (_, i) => field(layer === 1 ? settings.features[i] : `from ${i + 1}`, () => net.W[l][j * n + i], v => { net.W[l][j * n + i] = v; })));
  }
  function look(layer, j) {
    looking = layer === null || j < 0 ? null : {layer, j};
    if (!playing) draw();
  }
  // A line under the mouse says its weight; a click opens its neuron
  function nearest(e) {
    const box = $('net').getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
    let best = null, least = 6;
    for (const s of segments) {
      if (x < s.x1 || x > s.x2) continue;
      const d = Math.abs(curveY(s, (x - s.x1) / (s.x2 - s.x1)) - y);
      if (d < least) { least = d; best = s; }
    }
    return best;
  }
  // The line's x runs evenly with t because its control points stand at thirds
  const curveY = (s, t) => s.y1 + (s.y2 - s.y1) * (3 * t * t - 2 * t * t * t);
  const HINT = $('hover').textContent;
  $('net').addEventListener('pointermove', e => {
    if (e.pointerType !== 'mouse') return;
    const s = e.target.closest('button') ? null : nearest(e);
    $('net').style.cursor = s ? 'pointer' : '';
    $('hover').textContent = s ? `Weight from ${neuronName(s.l, s.i)} to ${neuronName(s.l + 1, s.j)}: ${net.W[s.l][s.k].toFixed(4)}. Click to edit.` : HINT;
  });
  $('net').addEventListener('click', e => {
    const s = e.target.closest('button') ? null : nearest(e);
    if (!s) return;
    chosen = {layer: s.l + 1, j: s.j};
    showEditor(); draw();
    $('editor').querySelectorAll('input')[s.i + 1].focus();
  });

  // ---- Drawing ----
  function readTheme() {
    const css = getComputedStyle(document.documentElement), get = k => css.getPropertyValue(k).trim();
    theme = {classes: ['--pos', '--neg', '--class2', '--class3', '--class4', '--class5'].map(get), pos: get('--pos'), neg: get('--neg'), zero: get('--zero'), ink: get('--ink'), line: get('--line'), bg: get('--bg'), muted: get('--muted')};
    const rgb = hex => [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
    const pos = rgb(theme.pos), neg = rgb(theme.neg), zero = rgb(theme.zero), bytes = new Uint8ClampedArray(256 * 4);
    for (let k = 0; k < 256; k++) {
      const v = k / 127.5 - 1, end = v > 0 ? pos : neg, t = Math.abs(v) * 0.85;
      for (let c = 0; c < 3; c++) bytes[4 * k + c] = zero[c] + (end[c] - zero[c]) * t;
      bytes[4 * k + 3] = 255;
    }
    theme.lut = new Uint32Array(bytes.buffer);
    // For each class its colour over the background, by 256 steps of probability
    const mixed = colour => Uint32Array.from({length: 256}, (_, k) => {
      const t = (k / 255) ** 2 * 0.85, [r, g, b] = zero.map((v, c) => Math.round(v + (colour[c] - v) * t));
      return (255 << 24 | b << 16 | g << 8 | r) >>> 0;
    });
    theme.shades = theme.classes.map(o => mixed(rgb(o)));
  }
  // Probabilities of all classes, or of class `only`
  function paintClasses(image, grids, stride, discrete, only = -1) {
    const out = new Uint32Array(image.data.buffer), size = image.width, n = size * stride;
    for (let r = 0, p = 0; r < size; r++) for (let c = 0; c < size; c++, p++) {
      const q = r * stride * n + c * stride;
      let best = Math.max(only, 0);
      if (only < 0) for (let k = 1; k < grids.length; k++) if (grids[k][q] > grids[best][q]) best = k;
      const v = grids[best][q];
      out[p] = theme.shades[best][discrete ? (only < 0 || v >= 0.5 ? 255 : 0) : Math.round(v * 255)];
    }
  }
  function paint(image, values, stride, discrete) {
    const out = new Uint32Array(image.data.buffer), size = image.width, n = size * stride, lut = theme.lut;
    for (let r = 0, p = 0; r < size; r++) for (let c = 0; c < size; c++, p++) {
      const v = values[r * stride * n + c * stride];
      out[p] = lut[discrete ? (v >= 0 ? 255 : 0) : v >= 1 ? 255 : v > -1 ? Math.round((v + 1) * 127.5) : 0];
    }
  }
  const images = {};
  function drawSurface(grid, size) {
    const o = looking ?? chosen ?? {layer: net.W.length, j: several() ? -1 : 0}, canvas = $('surface');
    const image = images[size] ??= new ImageData(size, size);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    if (several() && o.layer === net.W.length) paintClasses(image, grid[o.layer], 1, settings.discretise, o.j);
    else paint(image, grid[o.layer][o.j], 1, settings.discretise);
    canvas.getContext('2d').putImageData(image, 0, 0);
    $('shown').textContent = `shown: ${neuronName(o.layer, o.j)}`;
  }
  function drawThumbs(grid, size) {
    for (const o of canvases) {
      if (o.j < 0) {
        const f = Net.FEATURES[o.name], step = 12 / THUMB, v = new Float32Array(THUMB * THUMB);
        for (let p = 0; p < v.length; p++) v[p] = f(-6 + step * (p % THUMB + 0.5), 6 - step * (Math.floor(p / THUMB) + 0.5));
        paint(o.image, v, 1, false);
      } else {
        // Features do not change while the network trains
        if (o.layer === 0 && o.drawn === theme.lut) continue;
        if (several() && o.layer === net.W.length) paintClasses(o.image, grid[o.layer], size / THUMB, settings.discretise, o.j);
        else paint(o.image, grid[o.layer][o.j], size / THUMB, settings.discretise && o.layer > 0);
      }
      o.drawn = theme.lut;
      o.ctx.putImageData(o.image, 0, 0);
    }
  }
  // Lines of the same width and sign are stroked together: strokes cost more than curves
  function drawLinks() {
    const canvas = $('links'), ctx = canvas.getContext('2d'), bins = new Map();
    ctx.save(); ctx.setTransform(1, 0, 0, 1, 0, 0); ctx.clearRect(0, 0, canvas.width, canvas.height); ctx.restore();
    for (const s of segments) {
      const w = net.W[s.l][s.k], width = w === 0 ? 0.2 : Math.min(8, Math.max(1, Math.round(2 * Math.abs(w) + 0.5))), key = w < 0 ? -width : width;
      (bins.get(key) ?? bins.set(key, []).get(key)).push(s);
    }
    for (const [key, list] of bins) {
      const faint = Math.abs(key) < 1;
      ctx.strokeStyle = faint ? theme.line : key > 0 ? theme.pos : theme.neg;
      ctx.globalAlpha = faint ? 1 : Math.min(1, 0.35 + Math.abs(key) / 8);
      ctx.lineWidth = Math.max(0.5, Math.abs(key));
      ctx.setLineDash(key < 0 ? [6, 3] : []);
      ctx.beginPath();
      for (const s of list) {
        const dx = (s.x2 - s.x1) / 3;
        ctx.moveTo(s.x1, s.y1);
        ctx.bezierCurveTo(s.x1 + dx, s.y1, s.x2 - dx, s.y2, s.x2, s.y2);
      }
      ctx.stroke();
    }
    ctx.globalAlpha = 1; ctx.setLineDash([]);
  }
  // Disc, square, and four polygons by their corners: triangle up, diamond, pentagon, triangle down
  const CORNERS = [, , [3, -90], [4, -90], [5, -90], [3, 90]];
  function shape(ctx, x, y, r, k) {
    ctx.beginPath();
    if (k === 0) ctx.arc(x, y, r, 0, 7);
    else if (k === 1) ctx.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
    else {
      const [n, start] = CORNERS[k];
      for (let i = 0; i < n; i++) { const t = (start + 360 * i / n) * Math.PI / 180; ctx.lineTo(x + 1.25 * r * Math.cos(t), y + 1.25 * r * Math.sin(t)); }
      ctx.closePath();
    }
  }
  function mark(ctx, x, y, r, v, open, byClass = false) {
    const colour = theme.lut[Math.round((Math.max(-1, Math.min(1, v)) + 1) * 127.5)];
    const css = byClass ? theme.classes[v] : `rgb(${colour & 255},${colour >> 8 & 255},${colour >> 16 & 255})`;
    shape(ctx, x, y, r, byClass ? v : v >= 0 ? 0 : 1);
    ctx.fillStyle = open ? theme.bg : css; ctx.fill();
    ctx.lineWidth = open ? 1.6 : 1; ctx.strokeStyle = open ? css : theme.ink; ctx.stroke();
  }
  function drawCloud(canvas, points, size, r, open, byClass) {
    const ctx = canvas.getContext('2d'), at = v => (v + Net.HALF) / (2 * Net.HALF) * size;
    points.X.forEach(([a, b], p) => mark(ctx, at(a), at(-b), r, points.y[p], open, byClass));
  }
  const byClass = (name, points = []) => Net.problem(name, points) === 'classes';
  function showLegend() {
    const {problem, classes} = kindOf(settings), many = problem === 'classes', names = many ? Array.from({length: classes}, (_, k) => `class ${k}`) : ['y = 1', 'y = −1'];
    $('classes').replaceChildren(...names.map((name, k) => {
      const canvas = make('canvas', {width: 24, height: 24});
      mark(canvas.getContext('2d'), 12, 12, 8, many ? k : 1 - 2 * k, false, many);
      return make('span', {}, canvas, ` ${name}`);
    }));
  }
  function drawPoints() {
    const canvas = $('points'), size = canvas.getBoundingClientRect().width;
    canvas.getContext('2d').clearRect(0, 0, size + 1, size + 1);
    drawCloud(canvas, data.train, size, 3.2, false, several());
    if (settings.show_test) drawCloud(canvas, data.test, size, 3.2, true, several());
  }
  function drawCurve() {
    const canvas = $('curve'), ctx = canvas.getContext('2d'), {width, height} = canvas.getBoundingClientRect();
    const left = 34, bottom = height - 15, span = Math.max(10, epoch), top = Math.max(0.01, ...history.map(h => Math.max(h[1], h[2])).filter(Number.isFinite));
    const x = e => left + (width - left - 4) * e / span, y = v => bottom - (bottom - 6) * Math.min(v, top) / top;
    ctx.clearRect(0, 0, width + 1, height + 1);
    ctx.strokeStyle = theme.line; ctx.lineWidth = 1; ctx.strokeRect(left, 6, width - left - 4, bottom - 6);
    ctx.fillStyle = theme.muted; ctx.font = '10px system-ui, sans-serif';
    ctx.textAlign = 'right'; ctx.fillText(top.toPrecision(2), left - 3, 13); ctx.fillText('0', left - 3, bottom);
    ctx.fillText(`${span} epochs`, width - 4, height - 3); ctx.textAlign = 'left'; ctx.fillText('loss: — train  - - test', left, height - 3);
    [[1, theme.pos, []], [2, theme.neg, [4, 3]]].forEach(([k, colour, dash]) => {
      ctx.strokeStyle = colour; ctx.lineWidth = 1.8; ctx.lineJoin = 'round'; ctx.setLineDash(dash); ctx.beginPath();
      history.forEach((h, i) => i ? ctx.lineTo(x(h[0]), y(h[k])) : ctx.moveTo(x(h[0]), y(h[k])));
      ctx.stroke();
    });
    ctx.setLineDash([]);
  }
  function draw(light = false) {
    if (!segments.length) return;
    if (!light) {
      const size = playing ? MOVING : STILL, grid = net.surfaces(size);
      drawSurface(grid, size); drawThumbs(grid, size);
    }
    drawLinks(); drawCurve();
    const [, train, test, trainAcc, testAcc] = history.at(-1), percent = v => `${(100 * v).toFixed(1)} %`;
    $('epochs').textContent = epoch; $('steps').textContent = steps;
    const shown = {'train-loss': train.toFixed(4), 'test-loss': test.toFixed(4), 'train-acc': percent(trainAcc), 'test-acc': percent(testAcc)};
    for (const [id, text] of Object.entries(shown)) $(id).textContent = canTrain() ? text : '—';
    if (chosen && !playing) for (const i of $('editor').querySelectorAll('input')) i.refresh();
    if (!playing) $('plane').setAttribute('aria-label', `Surface of ${$('shown').textContent.slice(7)} for ${settings.dataset} after ${epoch} epochs: train loss ${train.toFixed(3)}, test loss ${test.toFixed(3)}`);
  }

  // ---- The loop ----
  let last = 0, frames = 0, heavy = 0;
  function frame(now) {
    if (!playing) return;
    const t = performance.now();
    if (last) timing.gaps.push(now - last);
    last = now;
    oneEpoch(); remember();
    if (!net.finite) { pause(); reset(); say(`The loss ran away to infinity: a learning rate of ${settings.lr} is too large here. The weights are reset.`, true); return; }
    // A large network takes its frame in two halves: training and lines in each, surfaces in every second one
    heavy += 0.1 * ((timing.work.at(-1) ?? 0) - heavy);
    draw(++frames % 2 === 0 && heavy > 5);
    timing.work.push(performance.now() - t);
    for (const list of Object.values(timing)) if (list.length > 240) list.shift();
    requestAnimationFrame(frame);
  }
  function play() {
    if (playing) return;
    if (!canTrain()) { say(FIRST, true); return; }
    say('');
    playing = true; last = 0;
    $('play').textContent = '❚❚ Pause'; $('play').setAttribute('aria-pressed', 'true');
    requestAnimationFrame(frame);
  }
  function pause() {
    if (!playing) return;
    playing = false;
    $('play').textContent = '▶ Play'; $('play').setAttribute('aria-pressed', 'false');
    draw(); report();
  }
  // By hand, like the loop: what runs away to infinity is reset and said
  function advance(move, n = 1) {
    pause(); say('');
    if (!canTrain()) { say(FIRST, true); return; }
    for (let k = 0; k < n && net.finite; k++) { move(); if (at === 0) remember(); }
    if (!net.finite) { reset(); say(`The loss ran away to infinity: a learning rate of ${settings.lr} is too large here. The weights are reset.`, true); return; }
    if (at) remember();
    draw(); report();
  }
  function reset() { pause(); net.setWeights(init); restart(); draw(); report(); }

  // ---- State as JSON: the same as `PlaygroundNet.state` in Python ----
  const state = () => ({settings: structuredClone(settings), steps, ...net.weights(), train: data.train, test: data.test});
  function load(s) {
    pause();
    try {
      const next = Settings.check(Object.fromEntries(Object.entries(s.settings ?? {}).map(([k, v]) => [k, Settings.wrap(v)])), table);
      const set = d => Array.isArray(d?.X) && Array.isArray(d?.y) && d.X.length === d.y.length && d.X.length > 0 && d.X.every(p => p?.length === 2 && p.every(Number.isFinite)) && d.y.every(Number.isFinite);
      if (!set(s.train) || !set(s.test)) throw new RangeError('train and test: each needs X, a list of pairs of numbers, and y, as many numbers');
      const trial = new Net.PlaygroundNet({...next, ...kindOf(next)}), isClass = v => Number.isInteger(v) && v >= 0 && v < trial.sizes.at(-1);
      if (trial.problem === 'classes' && ![...s.train.y, ...s.test.y].every(isClass)) throw new RangeError(`y: the network has classes from 0 to ${trial.sizes.at(-1) - 1}`);
      trial.setWeights(s);
      apply(next);
      data.train = s.train; data.test = s.test;
      net.setWeights(s);
      init = net.weights();
      restart(); drawPoints(); draw();
      return true;
    } catch (e) { if (!(e instanceof RangeError)) throw e; say(e.message, true); return false; }
  }
  async function copy(text, what) {
    try { await navigator.clipboard.writeText(text); }
    catch {
      // No permission inside this frame: copy from a selected field, the old way
      const area = make('textarea', {value: text});
      document.body.append(area); area.select();
      const done = document.execCommand('copy');
      area.remove();
      if (!done) { say('The browser does not allow copying here: select the line and copy it by hand.', true); return; }
    }
    say(`${what} copied.`);
  }

  // ---- Own points: drawn with the mouse, or from a csv ----
  const ownClass = () => Number($('own_class').value);
  const setPoints = points => change({dataset: 'own', points});
  function drawAt(e) {
    if (settings.points.length >= table.points.most) { say(`${table.points.most} points are the most.`, true); return; }
    const box = $('plane').getBoundingClientRect(), at = v => Math.round(100 * Math.max(-Net.HALF, Math.min(Net.HALF, v))) / 100;
    setPoints([...settings.points, [at(((e.clientX - box.left) / box.width * 2 - 1) * Net.HALF), at((1 - (e.clientY - box.top) / box.height * 2) * Net.HALF), ownClass()]]);
  }
  async function readCsv(file) {
    try {
      const {fewest, most, classes} = table.points, {points, names} = Net.parsePoints(await file.text(), file.name, {fewest, most, classes});
      setPoints(points);
      say(`${points.length} points of ${names.length} classes: ${names.map((n, k) => `${k} is ${n}`).join(', ')}.`);
    } catch (e) { say(e instanceof RangeError ? e.message : `${file.name} cannot be read.`, true); }
  }
  // The menu shows each class as it is drawn: its mark and its colour
  const MARKS = '●■▲◆⬟▼';
  function colourMenu() {
    for (const option of $('own_class').options) option.style.color = theme.classes[option.value];
    $('own_class').style.color = theme.classes[ownClass()];
  }
  function buildOwn() {
    $('own_class').replaceChildren(...Array.from({length: table.points.classes}, (_, k) => make('option', {value: k, textContent: `${[...MARKS][k]} ${k}`})));
    $('own_class').onchange = colourMenu;
    $('undo').onclick = () => setPoints(settings.points.slice(0, -1));
    $('clear').onclick = () => setPoints([]);
    $('csv').onchange = e => { const [file] = e.target.files; if (file) readCsv(file); e.target.value = ''; };
    let from = null;
    const plane = $('plane');
    plane.addEventListener('pointerdown', e => {
      if (settings.dataset !== 'own' || e.button) return;
      plane.setPointerCapture(e.pointerId);
      from = [e.clientX, e.clientY]; drawAt(e);
    });
    plane.addEventListener('pointermove', e => {
      if (!from || Math.hypot(e.clientX - from[0], e.clientY - from[1]) < 14) return;
      from = [e.clientX, e.clientY]; drawAt(e);
    });
    for (const name of ['pointerup', 'pointercancel']) plane.addEventListener(name, () => { from = null; });
  }
  const ownThumb = () => $('datasets').querySelector('input[value="own"]')?.nextElementSibling;
  function drawOwn() {
    const canvas = ownThumb();
    if (!canvas || !theme.lut) return;
    canvas.getContext('2d').clearRect(0, 0, 96, 96);
    drawCloud(canvas, Net.makeData('own', 0, 0, 0, settings.points), 96, 3.4, false, byClass('own', settings.points));
  }

  // ---- Wiring ----
  function buildControls() {
    for (const id of ['activation', 'regularisation']) $(id).replaceChildren(...table[id].choices.map(v => make('option', {value: v, textContent: v})));
    for (const id of ['noise', 'train_ratio', 'batch_size', 'seed']) Object.assign($(id), {min: table[id].low, max: table[id].high, step: 1});
    for (const name of table.dataset.choices) {
      const canvas = make('canvas', {width: 96, height: 96}), radio = make('input', {type: 'radio', name: 'dataset', value: name});
      radio.onchange = () => change({dataset: name});
      $('datasets').append(make('label', {title: name === 'own' ? 'Points that you draw, or those of a csv' : Net.problem(name)}, name, radio, canvas));
    }
    buildOwn();
    for (const id of ['lr', 'reg_rate']) $(id).onchange = e => change({[id]: Number(e.target.value)});
    for (const id of ['activation', 'regularisation']) $(id).onchange = e => change({[id]: e.target.value});
    for (const id of ['noise', 'train_ratio', 'batch_size']) $(id).oninput = e => change({[id]: e.target.valueAsNumber});
    $('seed').onchange = e => change({seed: e.target.valueAsNumber});
    $('reseed').onclick = () => change({seed: settings.seed + 1});
    for (const id of ['show_test', 'discretise']) $(id).onchange = e => change({[id]: e.target.checked});
    $('less-layers').onclick = () => change({hidden: settings.hidden.slice(0, -1)});
    $('more-layers').onclick = () => change({hidden: [...settings.hidden, settings.hidden.at(-1) ?? 4]});
    $('play').onclick = () => playing ? pause() : play();
    $('step').onclick = () => advance(oneStep);
    $('epoch').onclick = () => advance(oneEpoch);
    $('reset').onclick = () => { say(''); reset(); };
    $('copy').onclick = () => copy($('line').value = line(), 'The line is');
    $('copy-weights').onclick = () => copy(JSON.stringify(state()), 'Settings, data and weights are');
    $('use').onclick = () => paste($('line').value);
    $('line').onkeydown = e => { if (e.key === 'Enter') paste($('line').value); };
    $('editor').onsubmit = e => e.preventDefault();
    $('theme').onchange = e => { if (e.target.value) document.documentElement.dataset.theme = e.target.value; else delete document.documentElement.dataset.theme; recolour(); };
    document.addEventListener('keydown', e => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, select, textarea')) return;
      if (e.key === ' ' && e.target.closest('button')) return;
      const act = {' ': () => $('play').click(), s: () => $('step').click(), e: () => $('epoch').click(), r: () => $('reset').click()}[e.key];
      if (act) { e.preventDefault(); act(); }
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
    new ResizeObserver(layout).observe($('net'));
    new ResizeObserver(layout).observe($('plane'));
  }
  function recolour() {
    readTheme();
    for (const label of $('datasets').children) {
      const canvas = label.querySelector('canvas');
      if (!canvas) continue;
      canvas.getContext('2d').clearRect(0, 0, 96, 96);
      const name = label.querySelector('input').value;
      if (name === 'own') drawOwn(); else drawCloud(canvas, Net.makeData(name, 0, 1, 160), 96, 2.4, false, byClass(name));
    }
    colourMenu(); showLegend(); drawPoints(); draw();
  }

  readTheme();
  buildControls();
  apply(Settings.check(Object.fromEntries(Object.entries(start ?? {}).map(([k, v]) => [k, Settings.wrap(v)])), table));
  recolour();
  window.playground = {settings: () => structuredClone(settings), set: change, line, paste, play, pause, reset, step: (n = 1) => advance(oneStep, n), epochs: (n = 1) => advance(oneEpoch, n),
    state, load, weights: () => net.weights(), playing: () => playing, history: () => structuredClone(history), timing, randoms: Net.randoms, makeData: Net.makeData, parsePoints: Net.parsePoints};
})();
