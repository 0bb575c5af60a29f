'use strict';
// The page of explain.network: columns of maps, one number and where it comes from, an image to draw on.
const {$} = Kit, data = Kit.read();
const asTensor = p => { const {shape, values} = Kit.unpack(p); return {shape, data: values}; };
const nodes = data.nodes.map(n => {
  const weights = Object.fromEntries(Object.entries(n.weights).map(([k, p]) => [k, asTensor(p)]));
  return {...n, ...weights, recorded: (n.recorded || []).map(asTensor)};
});
const [, channels, height, width] = nodes[0].out, images = asTensor(data.images), pixels = channels * height * width;
const state = {image: null, from: 0, changed: false, values: null, id: 0, index: 0};
const given = k => Float32Array.from(images.data.subarray(k * pixels, (k + 1) * pixels));

// ---- How the numbers of a step lie in maps ----
// A map of height x width for each channel; channels may stand last, and a vector is a map of one number each
const layouts = [];
nodes.forEach((n, i) => {
  const before = n.inputs.length ? layouts[n.inputs[0]] : 'maps', axes = String(n.axes);
  if (n.out.length !== 4) layouts[i] = 'vector';
  else if (n.op === 'permute') layouts[i] = before === 'maps' && axes === '0,2,3,1' ? 'last' : 'maps';
  else layouts[i] = before === 'last' ? 'last' : 'maps';
});
function sizeOf(id) {  // [maps, rows, cols]
  const s = nodes[id].out;
  if (layouts[id] === 'vector') return [Graph.count(s), 1, 1];
  return layouts[id] === 'last' ? [s[3], s[1], s[2]] : [s[1], s[2], s[3]];
}
function indexOf(id, c, y, x) {
  const [maps, rows, cols] = sizeOf(id);
  return layouts[id] === 'vector' ? c : layouts[id] === 'last' ? (y * cols + x) * maps + c : (c * rows + y) * cols + x;
}
function whereIs(id, index) {  // [map, row, col]
  const [maps, rows, cols] = sizeOf(id), area = rows * cols;
  if (layouts[id] === 'vector') return [index, 0, 0];
  return layouts[id] === 'last' ? [index % maps, Math.floor(index / maps / cols), Math.floor(index / maps) % cols]
    : [Math.floor(index / area), Math.floor(index / cols) % rows, index % cols];
}
function mapOf(id, c) {
  const [, rows, cols] = sizeOf(id), res = new Float32Array(rows * cols);
  for (let i = 0; i < res.length; i++) res[i] = state.values[id].data[indexOf(id, c, Math.floor(i / cols), i % cols)];
  return res;
}
const title = id => nodes[id].op === 'input' ? 'image' : nodes[id].name;
const shown = id => nodes[id].op !== 'reshape' && nodes[id].op !== 'constant';
function named(id, index) {
  const [c, y, x] = whereIs(id, index), [, rows, cols] = sizeOf(id);
  const which = nodes[id].op === 'input' ? (channels === 1 ? 'pixel' : `pixel of ${['red', 'green', 'blue'][c] || c}`) : `${title(id)}, ${layouts[id] === 'vector' ? 'number' : 'map'} ${c}`;
  return rows * cols > 1 ? `${which} (row ${y}, column ${x})` : which;
}

// ---- Colours, quickly: 256 of them along the scale ----
const shades = Array.from({length: 257}, (_, i) => Kit.scales.signed(1)(i / 128 - 1));
const greys = v => Math.round(255 * Math.min(Math.max((v - data.low) / (data.high - data.low || 1), 0), 1));
const paper = document.createElement('canvas');
function picture(values, rows, cols, colour) {
  paper.width = cols; paper.height = rows;
  const ctx = paper.getContext('2d'), made = ctx.createImageData(cols, rows);
  for (let i = 0; i < rows * cols; i++) { const [r, g, b] = colour(i); made.data.set([r, g, b, 255], 4 * i); }
  ctx.putImageData(made, 0, 0);
  return paper;
}
const signed = (values, top) => i => shades[Math.round(128 + 128 * Math.min(Math.max(values[i] / (top || 1), -1), 1)) || 0];
const asSeen = (values, area) => i => channels === 3 ? [0, 1, 2].map(c => greys(values[c * area + i])) : [0, 1, 2].map(() => greys(values[i]));
function paint(canvas, source, ratio = 1) {  // A picture that fills a canvas
  canvas.style.aspectRatio = `${source.width} / ${source.height}`;
  const p = Kit.prepare(canvas);
  p.ctx.imageSmoothingEnabled = false;
  p.ctx.drawImage(source, 0, 0, p.width, p.height);
  return p;
}
const imagePicture = values => picture(values, height, width, asSeen(values, height * width));

// ---- Computing ----
function compute() {
  Kit.timed(() => { state.values = Graph.forward(nodes, {shape: nodes[0].out, data: state.image}, i => state.changed ? null : nodes[i].recorded[state.from] || null); });
}
function changed() {
  state.changed = true;
  compute(); draw();
  for (const b of $('images').children) b.setAttribute('aria-pressed', 'false');
}
function pick(k) {
  Object.assign(state, {image: given(k), from: k, changed: false});
  compute();
  [...$('images').children].forEach((b, i) => b.setAttribute('aria-pressed', String(i === k)));
}

// ---- Outputs ----
function drawScores() {
  const last = state.values[nodes.length - 1], box = $('scores');
  box.replaceChildren();
  if (!last) { box.append(make('p', {class: 'says'}, 'Not computed for a changed image.')); return; }
  if (last.data.length > 200) { box.append(make('p', {class: 'says'}, `${last.data.length} numbers`)); return; }
  const z = [...last.data], top = Math.max(...z), e = z.map(v => Math.exp(v - top)), sum = e.reduce((a, b) => a + b, 0);
  const order = z.map((_, i) => i).sort((a, b) => z[b] - z[a]), many = z.length > 12, best = order[0];
  for (const i of many ? order.slice(0, 12) : z.keys()) {
    const row = make('div', {class: i === best ? 'score most' : 'score'}, make('span', {}, data.classes ? data.classes[i] : String(i)),
      make('span', {class: 'bar'}), make('span', {class: 'n'}, `${Kit.number(z[i], 2)}: ${(100 * e[i] / sum).toFixed(1)} %`));
    row.children[1].style.width = `${100 * e[i] / sum}%`;
    box.append(row);
  }
  box.append(make('p', {class: 'says'}, `Output and its share by softmax${many ? `; the 12 largest of ${z.length}` : ''}.`));
}

// ---- Columns of maps ----
const MOST = 32;  // Maps of a column
const columns = [];
function columnOf(id) {
  const [maps, rows, cols] = sizeOf(id), many = Math.min(maps, layouts[id] === 'vector' ? 96 : MOST), single = rows * cols === 1;
  const across = single ? Math.ceil(many / 16) : many > 16 ? 3 : many > 8 ? 2 : 1, down = Math.ceil(many / across), side = single ? 14 : 44;
  const canvas = make('canvas', {class: 'map'}), shape = nodes[id].out.slice(1).join(' x ');
  canvas.style.width = `${across * side}px`; canvas.style.height = `${down * (single ? side : Math.max(14, side * rows / cols))}px`;
  const note = make('p', {}), el = make('div', {class: 'column'}, make('h3', {}, title(id)), note, canvas);
  const col = {id, canvas, note, el, across, down, many, shape, maps, at: 0};
  col.cell = Kit.roving(canvas, {
    label: `${title(id)}: ${maps} ${single ? 'numbers' : 'maps'}; Enter chooses one`, size: () => [down, across], hover: false,
    moved: () => drawColumn(col), says: (r, c) => r * across + c < many ? `${title(id)}, ${single ? 'number' : 'map'} ${r * across + c}` : 'empty',
    act: (r, c) => {
      const k = r * across + c;
      if (k >= many || !state.values[id]) return;
      const [, y, x] = whereIs(state.id, state.index), [, rs, cs] = sizeOf(state.id);
      choose(id, indexOf(id, k, Math.floor(rows * (y + 0.5) / rs), Math.floor(cols * (x + 0.5) / cs)));
    }});
  return col;
}
function drawColumn(col) {
  const {id, canvas, across, down, many} = col, values = state.values[id], p = Kit.prepare(canvas), [, rows, cols] = sizeOf(id);
  p.ctx.clearRect(0, 0, p.width, p.height);
  col.el.classList.toggle('chosen', id === state.id);
  col.note.textContent = !values ? 'not computed for a changed image' : col.shape + (nodes[id].op === 'unknown' ? ', as torch computed' : '') + (many < col.maps ? `; ${many} shown` : '');
  if (!values) return;
  const top = Kit.top(values.data), w = p.width / across, h = p.height / down, chosen = id === state.id ? whereIs(id, state.index)[0] : -1;
  p.ctx.imageSmoothingEnabled = false;
  for (let k = 0; k < many; k++) {
    const m = mapOf(id, k), x = k % across * w, y = Math.floor(k / across) * h, gap = rows * cols === 1 ? 1 : 2;
    p.ctx.drawImage(nodes[id].op === 'input' ? picture(m, rows, cols, i => [0, 1, 2].map(() => greys(m[i]))) : picture(m, rows, cols, signed(m, top)), x + gap / 2, y + gap / 2, w - gap, h - gap);
    if (k === chosen) Kit.outline(p.ctx, [x, y, w, h]);
  }
  if (document.activeElement === canvas) { const [r, c] = col.cell.at; Kit.outline(p.ctx, [c * w, r * h, w, h], {dash: [4, 3], width: 1}); }
}

// ---- One number ----
function choose(id, index) {
  state.id = id; state.index = index;
  const [, y, x] = whereIs(id, index);
  mapCell.at = [y, x];
  drawColumns(); drawDetail();
  Kit.say(`${named(id, index)}: ${valueText(id, index)}`);
}
const valueText = (id, index) => state.values[id] ? Kit.number(state.values[id].data[index], 4) : 'not computed';
const mapCell = Kit.roving($('map'), {
  label: 'The map; arrow keys choose a number', size: () => sizeOf(state.id).slice(1), hover: false,
  moved: (r, c) => { state.index = indexOf(state.id, whereIs(state.id, state.index)[0], r, c); drawDetail(); },
  says: () => `${named(state.id, state.index)}: ${valueText(state.id, state.index)}`});

function drawDetail() {
  const {id, index} = state, [c, y, x] = whereIs(id, index), [, rows, cols] = sizeOf(id), known = state.values[id];
  $('map-name').textContent = `${title(id)}${layouts[id] === 'vector' ? '' : `, map ${c}`}`;
  const m = known ? mapOf(id, c) : new Float32Array(rows * cols);
  const p = paint($('map'), nodes[id].op === 'input' ? picture(m, rows, cols, i => [0, 1, 2].map(() => greys(m[i]))) : picture(m, rows, cols, signed(m, known ? Kit.top(known.data) : 1)));
  Kit.outline(p.ctx, [x * p.width / cols, y * p.height / rows, p.width / cols, p.height / rows]);
  $('map-says').textContent = `${named(id, index)}: ${valueText(id, index)}`;
  const box = Graph.boxes(nodes, id, index)[0], s = paint($('sees'), imagePicture(state.image)), dx = s.width / width, dy = s.height / height;
  const [[top, bottom], [left, right]] = box ? box.slice(2) : [[0, -1], [0, -1]];
  if (box) Kit.outline(s.ctx, [left * dx, top * dy, (right - left + 1) * dx, (bottom - top + 1) * dy]);
  $('sees-says').textContent = box ? `rows ${top} to ${bottom}, columns ${left} to ${right} of ${height} x ${width} pixels` : 'nothing of the image';
  $('sees').setAttribute('aria-label', `The image and what of it the number can see: ${$('sees-says').textContent}`);
  $('terms').replaceChildren(); $('path').replaceChildren();
  if (!known) { $('how').textContent = 'It is not computed for a changed image: a layer before it is not known to this page.'; return; }
  const from = Graph.sources(nodes, state.values, id, index);
  $('how').textContent = `${valueText(id, index)}: ${from.how}`;
  if (from.terms.length) $('terms').append(nodes[id].op === 'conv2d' ? windows(from) : single(from));
  for (const step of Graph.path(nodes, state.values, id, index)) if (shown(step.id))
    $('path').append(make('li', {}, make('button', {onclick: () => choose(step.id, step.index)}, `${named(step.id, step.index)}: ${valueText(step.id, step.index)}`)));
}
const go = (id, index, short) => make('button', {onclick: () => choose(id, index), 'aria-label': `${short || ''} Go to ${named(id, index)}`.trim()}, short || named(id, index));
const head = (...names) => make('tr', {}, ...names.map(n => make('th', {scope: 'col'}, n)));
const cell = (...what) => make('td', {}, ...what);
const MANY = 8;  // Rows of a table

// A convolution: for each map that it reads the window, the kernel, and the sum of their products
function windows({terms, rest}) {
  const n = nodes[state.id], source = n.inputs[0], groups = new Map(), [kh, kw] = n.kernel;
  for (const t of terms) { const c = whereIs(source, t.index)[0]; groups.set(c, [...(groups.get(c) || []), t]); }
  const rows = [...groups.values()].map(ts => ({ts, sum: ts.reduce((s, t) => s + t.product, 0)})).sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const topX = Kit.top(terms.map(t => t.value)), topW = Kit.top(terms.map(t => t.weight)), table = make('table', {}, head('From', 'window', 'kernel', 'sum of products'));
  const [, oy, ox] = whereIs(state.id, state.index);
  for (const {ts, sum} of rows.slice(0, MANY)) {
    const win = make('canvas', {'aria-hidden': true}), ker = make('canvas', {'aria-hidden': true}), a = new Float32Array(kh * kw), b = new Float32Array(kh * kw);
    for (const t of ts) {
      const [, r, c] = whereIs(source, t.index), i = (r - oy * n.stride[0] + n.pad[0]) / n.dilation[0], j = (c - ox * n.stride[1] + n.pad[1]) / n.dilation[1];
      a[i * kw + j] = t.value; b[i * kw + j] = t.weight;
    }
    table.append(make('tr', {}, cell(go(source, Graph.strongest(ts).index, source ? `map ${whereIs(source, ts[0].index)[0]}` : 'image')), cell(win), cell(ker), cell(Kit.number(sum))));
    queueMicrotask(() => { paint(win, picture(a, kh, kw, signed(a, topX))); paint(ker, picture(b, kh, kw, signed(b, topW))); });
  }
  const others = rows.slice(MANY).reduce((s, r) => s + r.sum, 0);
  if (rows.length > MANY) table.append(make('tr', {}, cell(`${rows.length - MANY} other maps`), cell(), cell(), cell(Kit.number(others))));
  table.append(make('tr', {}, cell('bias'), cell(), cell(), cell(Kit.number(rest))));
  table.append(make('tr', {}, cell('together'), cell(), cell(), cell(make('strong', {}, valueText(state.id, state.index)))));
  return table;
}
// Anything else: the numbers one by one, those that weigh most first
function single({terms, rest, own}) {
  const n = nodes[state.id], weighed = terms[0].product !== undefined, size = t => weighed ? Math.abs(t.product) : t.value;
  const order = terms.map((t, i) => [t, i]).sort((a, b) => (b[1] === own) - (a[1] === own) || size(b[0]) - size(a[0])).map(o => o[0]);
  const table = make('table', {}, weighed ? head('From', 'value', 'weight', 'product') : head('From', 'value'));
  for (const t of order.slice(0, MANY))
    table.append(make('tr', {}, cell(go(n.inputs[t.input], t.index)), cell(Kit.number(t.value)), ...(weighed ? [cell(Kit.number(t.weight)), cell(Kit.number(t.product))] : [])));
  const left = order.slice(MANY);
  if (left.length) table.append(make('tr', {}, cell(`${left.length} others`), cell(), ...(weighed ? [cell(), cell(Kit.number(left.reduce((s, t) => s + t.product, 0)))] : [])));
  if (rest !== undefined) table.append(make('tr', {}, cell('bias'), cell(), cell(), cell(Kit.number(rest))));
  return table;
}

// ---- The image ----
const pen = Kit.roving($('image'), {
  label: 'The image; arrow keys move, the space bar draws', size: () => [height, width], hover: false, moved: () => drawImage(),
  act: (r, c) => {
    for (let k = 0; k < channels; k++) state.image[(k * height + r) * width + c] = $('pen').value === '1' ? data.high : data.low;
    changed();
  },
  says: (r, c) => `row ${r}, column ${c}: ${Kit.number(state.image[r * width + c])}`});
function move(dy, dx) {
  const old = state.image, fill = data.low;
  state.image = old.map((_, i) => {
    const y = Math.floor(i / width) % height - dy, x = i % width - dx;
    return y < 0 || x < 0 || y >= height || x >= width ? fill : old[i - dy * width - dx];
  });
  changed();
}
function drawImage() {
  const p = paint($('image'), imagePicture(state.image)), [r, c] = pen.at, dx = p.width / width, dy = p.height / height;
  if (document.activeElement === $('image')) Kit.outline(p.ctx, [c * dx - 2, r * dy - 2, dx + 4, dy + 4], {width: 1});
}
const drawColumns = () => columns.forEach(drawColumn);
function draw() { drawImage(); drawScores(); drawColumns(); drawDetail(); }

// ---- Set up ----
for (let k = 0; k < images.shape[0]; k++) {
  const canvas = make('canvas', {width, height, 'aria-hidden': true});
  canvas.getContext('2d').drawImage(imagePicture(given(k)), 0, 0);
  $('images').append(make('button', {'aria-label': `Image ${k + 1}`, onclick: () => { pick(k); draw(); }}, canvas));
}
for (const b of document.querySelectorAll('[data-move]')) b.addEventListener('click', () => move(...b.dataset.move.split(',').map(Number)));
$('clear').addEventListener('click', () => { state.image.fill(data.low); changed(); });
$('again').addEventListener('click', () => { pick(state.from); draw(); });
nodes.forEach((n, i) => {
  if (n.op === 'unknown') $('unknown').append(make('p', {class: 'problem'}, `The page does not know ${n.name}: it shows what torch computed for the images above, and what follows is not computed for a changed image.`));
  if (shown(i)) { columns.push(columnOf(i)); $('columns').append(columns[columns.length - 1].el); }
});
pick(0);
// At first: the middle of the first map behind the image
const first = Math.min(1, nodes.length - 1), [, firstRows, firstCols] = sizeOf(first);
state.id = first; state.index = indexOf(first, 0, firstRows >> 1, firstCols >> 1);
mapCell.at = [firstRows >> 1, firstCols >> 1];
Kit.whenLooksChange(draw);
for (const c of document.querySelectorAll('canvas[tabindex]')) for (const e of ['focus', 'blur']) c.addEventListener(e, () => { drawImage(); const col = columns.find(o => o.canvas === c); if (col) drawColumn(col); });
draw();
