'use strict';
// The page of explain.convolution: an image to draw on, a kernel, the products in one window, the output; and the
// receptive field of a stack of layers. The mathematics is in explain_conv.js.
//   data.image   rows of numbers, as many as columns      data.kernel  rows of numbers, or the name of one of KERNELS
//   data.k, stride, padding, dilation: at the start       data.layers  [{kernel, stride, dilation}]
//   data.most    {k, stride, padding, dilation, layers}: the largest that the page offers
(() => {
  const {$, number, scales} = Kit, data = Kit.read();
  if (!data) { document.body.textContent = 'This page gets its image from Python: call explain.convolution().'; return; }
  const n = data.image.length, first = Float32Array.from(data.image.flat());
  const low = Math.min(0, ...first), high = Math.max(...first, low + 1e-6);

  // ---- Kernels by name, at any size ----
  const middle = k => (k - 1) / 2, fill = (k, f) => Float32Array.from({length: k * k}, (_, i) => f(Math.floor(i / k), i % k));
  const KERNELS = {
    'vertical edges': k => fill(k, (a, b) => Math.sign(b - middle(k))),
    'horizontal edges': k => fill(k, a => Math.sign(a - middle(k))),
    'all edges': k => fill(k, (a, b) => a === Math.floor(middle(k)) && b === Math.floor(middle(k)) ? k * k - 1 : -1),
    'blur': k => fill(k, () => 1 / (k * k)),
    'as it is': k => fill(k, (a, b) => Number(a === Math.floor(middle(k)) && b === Math.floor(middle(k)))),
  };
  const OWN = 'your own';

  const state = {image: first.slice(), k: data.k, stride: data.stride, padding: data.padding, dilation: data.dilation};
  const named = typeof data.kernel === 'string';
  state.preset = named ? data.kernel : OWN;
  state.kernel = named ? KERNELS[data.kernel](data.k) : Float32Array.from(data.kernel.flat());
  let out = null, painting = high;
  const how = () => ({stride: state.stride, padding: state.padding, dilation: state.dilation});
  const padded = () => n + 2 * state.padding;

  // ---- Controls ----
  function choices(id, values, value, change) {
    $(id).replaceChildren(...values.map(v => make('option', {value: v}, typeof v === 'number' ? number(v) : v)));
    $(id).value = value;
    $(id).onchange = () => { change($(id).value); update(); };
  }
  const upTo = (from, to) => Array.from({length: to - from + 1}, (_, i) => from + i);
  function showControls() {
    choices('preset', [...Object.keys(KERNELS), OWN], state.preset, v => {
      state.preset = v;
      if (v !== OWN) state.kernel = KERNELS[v](state.k);
      showKernel();
    });
    choices('k', upTo(1, data.most.k), state.k, v => {
      state.k = Number(v);
      if (state.preset === OWN) { state.preset = Object.keys(KERNELS)[0]; $('preset').value = state.preset; }
      state.kernel = KERNELS[state.preset](state.k);
      showKernel();
    });
    for (const id of ['stride', 'dilation']) choices(id, upTo(1, data.most[id]), state[id], v => { state[id] = Number(v); });
    choices('padding', upTo(0, data.most.padding), state.padding, v => { state.padding = Number(v); });
    const levels = [high, low + (high - low) / 2, low];
    choices('brush', levels, painting, v => { painting = Number(v); });
    ['white', 'grey', 'black'].forEach((name, i) => { $('brush').options[i].textContent = `${number(levels[i])} (${name})`; });
  }
  $('clear').onclick = () => { state.image.fill(low); update(); };
  $('back').onclick = () => { state.image.set(first); update(); };

  function showKernel() {
    $('kernel').style.gridTemplateColumns = $('products').style.gridTemplateColumns = `repeat(${state.k}, auto)`;
    $('kernel').replaceChildren(...Array.from(state.kernel, (w, i) => {
      const label = `Weight in row ${Math.floor(i / state.k) + 1}, column ${i % state.k + 1}`;
      const input = make('input', {type: 'number', step: 'any', value: Number(w.toFixed(3)), 'aria-label': label});
      input.onchange = () => {
        const v = input.valueAsNumber;
        if (!Number.isFinite(v)) { input.value = Number(state.kernel[i].toFixed(3)); return; }
        state.kernel[i] = v; state.preset = $('preset').value = OWN;
        update();
      };
      return input;
    }));
  }

  // ---- The image: drawn on by mouse, finger or keyboard ----
  let stroke = high;  // what a drag draws: a press on a pixel that has the value already takes it away
  const onImage = Kit.roving($('image'), {
    label: 'Image to draw on', hover: false, size: () => [padded(), padded()], moved: () => drawImage(),
    act(r, c, begins) {
      const y = r - state.padding, x = c - state.padding;
      if (y < 0 || x < 0 || y >= n || x >= n) return;
      if (begins) stroke = state.image[y * n + x] === Math.fround(painting) ? low : painting;
      state.image[y * n + x] = stroke;
      update();
    },
    says(r, c) {
      const y = r - state.padding, x = c - state.padding, inside = y >= 0 && x >= 0 && y < n && x < n;
      return inside ? `Row ${y + 1}, column ${x + 1}: ${number(state.image[y * n + x])}` : 'Padding: always 0';
    },
  });
  for (const e of ['focus', 'blur']) $('image').addEventListener(e, () => drawImage());

  function drawImage() {
    const side = padded(), p = state.padding, all = new Float32Array(side * side);
    for (let r = 0; r < n; r++) all.set(state.image.subarray(r * n, r * n + n), (r + p) * side + p);
    const grey = scales.grey(low, high);
    const {ctx, box} = Kit.drawMap($('image'), all, side, side, {scale: grey, numbers: true, lines: true, decimals: 1});
    if (p) {  // a cross through each pixel of the padding
      ctx.strokeStyle = '#8a8a8a'; ctx.lineWidth = 1; ctx.beginPath();
      for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
        if (r >= p && c >= p && r < side - p && c < side - p) continue;
        const [x, y, w, h] = box(r, c);
        ctx.moveTo(x + 2, y + h - 2); ctx.lineTo(x + w - 2, y + 2);
      }
      ctx.stroke();
    }
    if (out) {
      const {stride: s, dilation: d, k} = state, [r, c] = onOutput.at, span = Conv.covered(k, d);
      for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) if (d > 1) Kit.outline(ctx, box(r * s + a * d, c * s + b * d), {width: 1});
      Kit.outline(ctx, box(r * s, c * s, span, span), {width: 3});
    }
    if (document.activeElement === $('image')) Kit.outline(ctx, box(...onImage.at), {dash: [4, 3]});
  }

  // ---- The output ----
  const onOutput = Kit.roving($('output'), {
    label: 'Output', size: () => out ? out.shape.slice(1) : [1, 1], moved: () => Kit.timed(look),
    says: (r, c) => out ? `Row ${r + 1}, column ${c + 1}: ${number(out.values[r * out.shape[2] + c])}` : '',
  });
  onOutput.at = [null, null];  // until there is an output: then where the first image has an edge
  function step(by) {
    if (!out) return;
    const [, rows, cols] = out.shape, at = (onOutput.at[0] * cols + onOutput.at[1] + by + rows * cols) % (rows * cols);
    onOutput.go(Math.floor(at / cols), at % cols);
    Kit.say($('where').textContent);
  }
  $('next').onclick = () => step(1);
  $('previous').onclick = () => step(-1);

  function drawOutput() {
    const canvas = $('output'), [, rows, cols] = out.shape, cell = $('image').getBoundingClientRect().width / padded();
    canvas.style.width = `${Math.max(cell, 24) * cols}px`; canvas.style.maxWidth = '100%'; canvas.style.aspectRatio = `${cols} / ${rows}`;
    const {ctx, box} = Kit.drawMap(canvas, out.values, rows, cols, {scale: scales.signed(Kit.top(out.values)), numbers: true, lines: true, decimals: 1});
    Kit.outline(ctx, box(...onOutput.at), {width: 3});
  }

  // Window, products and sum of the output pixel that is looked at
  function look() {
    if (!out) return;
    const [r, c] = onOutput.at, terms = Conv.terms(state.image, n, n, state.kernel, state.k, [r, c], how());
    const sum = out.values[r * out.shape[2] + c], most = terms.reduce((m, t) => Math.max(m, Math.abs(t.product)), 0), scale = scales.signed(most);
    $('products').replaceChildren(...terms.map(t => {
      const rgb = scale(t.product), style = `background:${Kit.css(rgb)};color:${Kit.inkOn(rgb)}`;
      return make('div', {class: t.inside ? 'cell' : 'cell outside', style}, make('span', {}, number(t.product, 2)), make('small', {}, `${number(t.value, 1)} · ${number(t.weight, 2)}`));
    }));
    $('sum').textContent = number(sum);
    const outside = terms.filter(t => !t.inside).length;
    $('where').textContent = `Output row ${r + 1}, column ${c + 1}: ${number(sum)}` + (outside ? `; ${outside} of its ${terms.length} pixels lie in the padding and are 0` : '');
    const signed = x => x < 0 ? `(${number(x, 2)})` : number(x, 2);
    $('terms').textContent = terms.filter(t => t.product !== 0).map(t => `${signed(t.value)} · ${signed(t.weight)}`).join(' + ') || 'every product is 0';
    $('terms').textContent += ` = ${number(sum)}`;
    drawImage(); drawOutput();
  }

  // ---- All of it ----
  function compute() {
    const {k} = state, size = Conv.outSize(n, k, state.stride, state.padding, state.dilation), covered = Conv.covered(k, state.dilation);
    $('image-size').textContent = `${n} × ${n}` + (state.padding ? `, ${padded()} × ${padded()} with padding` : '');
    $('covers').textContent = state.dilation > 1 ? `With its gaps it covers c = ${covered} pixels along an axis.` : `It covers c = ${covered} ${covered === 1 ? 'pixel' : 'pixels'} along an axis.`;
    const text = `Output size = ⌊(n + 2p − c) / s⌋ + 1 = ⌊(${n} + 2 · ${state.padding} − ${covered}) / ${state.stride}⌋ + 1 = `;
    if (size < 1) {
      out = null;
      $('problem').textContent = `The kernel covers ${covered} pixels and the padded image has ${padded()}: it fits nowhere. Take more padding, less dilation or a smaller kernel.`;
      $('formula').replaceChildren(text.slice(0, -3) + ': no output');
      for (const id of ['sum', 'where', 'terms', 'output-size']) $(id).textContent = '';
      $('products').replaceChildren();
      const {ctx, width, height} = Kit.prepare($('output'));
      ctx.clearRect(0, 0, width, height);
      drawImage();
      return;
    }
    $('problem').textContent = '';
    out = Conv.conv2d({shape: [1, n, n], values: state.image}, {shape: [1, 1, k, k], values: state.kernel}, null, how());
    onOutput.at = onOutput.at.map((o, i) => Math.min(o ?? Math.floor(size / [3, 6][i]), size - 1));
    $('output-size').textContent = `${size} × ${size}`;
    $('formula').replaceChildren(text, make('b', {}, String(size)));
    look();
  }
  const update = () => Kit.timed(compute);

  // ---- A stack ----
  const MOST_WIDE = 72;
  const layers = data.layers.map(o => ({...o}));
  let shape = null;  // {n, counts: units of each row, starts, jumps}: row 0 is the image
  function showLayers() {
    $('layers').replaceChildren(...layers.map((layer, i) => {
      const field = (name, from, to) => {
        const select = make('select', {}, ...upTo(from, to).map(v => make('option', {value: v}, String(v))));
        select.value = layer[name];
        select.onchange = () => { layer[name] = Number(select.value); stackChanged(); };
        return make('label', {}, name, select);
      };
      const remove = make('button', {'aria-label': `Remove layer ${i + 1}`, disabled: layers.length === 1, onclick: () => {
        layers.splice(i, 1); showLayers(); stackChanged(); $('add').focus();
      }}, '×');
      return make('div', {class: 'layer', role: 'group', 'aria-label': `Layer ${i + 1}`}, make('span', {class: 'name'}, `Layer ${i + 1}`),
        field('kernel', 1, data.most.k), field('stride', 1, data.most.stride), field('dilation', 1, data.most.dilation), remove, make('span', {class: 'n'}));
    }));
    $('add').disabled = layers.length >= data.most.layers;
  }
  $('add').onclick = () => { layers.push({kernel: 3, stride: 1, dilation: 1}); showLayers(); stackChanged(); };

  function stackChanged() {
    const fields = Conv.receptive(layers);
    let r = 1, j = 1;
    [...$('layers').children].forEach((row, i) => {
      const {kernel, dilation} = layers[i], {sees, jump} = fields[i];
      const added = dilation > 1 ? `${dilation} · (${kernel} − 1) · ${j}` : `(${kernel} − 1) · ${j}`;
      row.lastChild.textContent = `r = ${r} + ${added} = ${sees}, j = ${jump}`;
      [r, j] = [sees, jump];
    });
    const wide = Math.max(24, r + 4 * j), fits = r <= MOST_WIDE;
    $('too-wide').textContent = fits ? '' : `A pixel of the last layer sees ${r} pixels: more than can be drawn here.`;
    $('paths').hidden = !fits;
    if (!fits) { shape = null; $('sees').textContent = ''; return; }
    const width = Math.min(wide, MOST_WIDE), counts = [width], starts = [0], jumps = [1];
    layers.forEach((layer, i) => {
      counts.push(Conv.outSize(counts[i], layer.kernel, layer.stride, 0, layer.dilation));
      starts.push(starts[i] + jumps[i] * (Conv.covered(layer.kernel, layer.dilation) - 1) / 2);
      jumps.push(fields[i].jump);
    });
    shape = {n: width, counts, starts, jumps};
    const top = layers.length, unit = Math.floor((counts[top] - 1) / 2);
    onPaths.at = [0, Math.round(starts[top] + unit * jumps[top])];
    drawPaths();
  }
  const rowOf = r => layers.length - r;  // the last layer is drawn at the top
  function unitAt(r, c) {
    const l = rowOf(r);
    return Math.min(Math.max(Math.round((c - shape.starts[l]) / shape.jumps[l]), 0), shape.counts[l] - 1);
  }
  const onPaths = Kit.roving($('paths'), {
    label: 'Pixels of the layers, the last layer at the top', size: () => shape ? [layers.length + 1, shape.n] : [1, 1],
    pace: r => shape ? shape.jumps[rowOf(r)] : 1, moved: () => Kit.timed(drawPaths), says: () => $('sees').textContent,
  });
  function drawPaths() {
    if (!shape) return;
    const [r, c] = onPaths.at, l = rowOf(r), unit = unitAt(r, c), canvas = $('paths');
    canvas.style.height = `${40 * (layers.length + 1)}px`;
    const {ctx, width} = Kit.prepare(canvas), cell = width / shape.n, high = Math.min(16, cell * 0.84);
    const x = (row, i) => (shape.starts[row] + i * shape.jumps[row] + 0.5) * cell, y = row => 40 * rowOf(row) + 20;
    // From the chosen unit down: on how many paths each unit of a row is reached
    const reached = [];
    reached[l] = new Map([[unit, 1]]);
    ctx.strokeStyle = Kit.colour('--muted'); ctx.lineWidth = 1;
    for (let row = l; row > 0; row--) {
      const {kernel, stride, dilation} = layers[row - 1], below = new Map();
      ctx.beginPath();
      for (const [i, paths] of reached[row]) for (let a = 0; a < kernel; a++) {
        const at = i * stride + a * dilation;
        below.set(at, (below.get(at) || 0) + paths);
        ctx.moveTo(x(row, i), y(row)); ctx.lineTo(x(row - 1, at), y(row - 1));
      }
      ctx.stroke();
      reached[row - 1] = below;
    }
    for (let row = 0; row <= layers.length; row++) {
      const on = reached[row], scale = scales.positive(on ? Math.max(...on.values()) : 1);
      for (let i = 0; i < shape.counts[row]; i++) {
        const paths = on && on.get(i);
        ctx.fillStyle = paths ? Kit.css(scale(paths)) : Kit.colour('--bg');
        ctx.strokeStyle = paths ? Kit.colour('--ink') : Kit.colour('--line');
        ctx.lineWidth = row === l && i === unit ? 3 : 1;
        ctx.beginPath(); ctx.rect(x(row, i) - high / 2, y(row) - high / 2, high, high); ctx.fill(); ctx.stroke();
      }
    }
    const seen = [...reached[0].keys()], from = Math.min(...seen), to = Math.max(...seen), span = to - from + 1;
    const name = l ? `Pixel ${unit + 1} of layer ${l}` : `Pixel ${unit + 1} of the image`;
    const gaps = seen.length < span ? `, of which it reaches ${seen.length}` : '';
    $('sees').textContent = l ? `${name} sees ${span} pixels of the image, from ${from + 1} to ${to + 1}${gaps}.` : `${name} sees itself.`;
  }

  showControls(); showKernel(); showLayers();
  Kit.timed(() => { compute(); stackChanged(); });
  Kit.whenLooksChange(() => { if (out) look(); else drawImage(); drawPaths(); });
})();
