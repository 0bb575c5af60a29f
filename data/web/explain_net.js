'use strict';
// What a captured network computes: its operations forward, from which inputs one number comes, and what it can see.
// A tensor is {shape, data}, rows last, with a batch of one; `null` stands for what is not known.
// course_labs/teaching/explain/graph.py writes the nodes; tests hold their numbers beside PyTorch's.
const Graph = (() => {
  const count = shape => shape.reduce((a, b) => a * b, 1);
  const tensor = (shape, data) => ({shape, data: data || new Float32Array(count(shape))});
  function strides(shape) {
    const res = new Array(shape.length).fill(1);
    for (let i = shape.length - 2; i >= 0; i--) res[i] = res[i + 1] * shape[i + 1];
    return res;
  }
  const place = (shape, index) => strides(shape).map((s, k) => Math.floor(index / s) % shape[k]);
  const flat = (shape, where) => strides(shape).reduce((sum, s, k) => sum + s * where[k], 0);
  const range = n => Array.from({length: n}, (_, i) => i);

  // ---- Functions of one number ----
  function erf(x) {  // Its power series near 0, its continued fraction elsewhere: both to about 1e-12
    const a = Math.abs(x);
    if (a > 6) return Math.sign(x);
    if (a < 2.5) {
      let term = a, sum = a;
      for (let n = 1; n < 60 && Math.abs(term) > 1e-17; n++) { term *= -a * a / n; sum += term / (2 * n + 1); }
      return Math.sign(x) * 2 / Math.sqrt(Math.PI) * sum;
    }
    let f = 0;
    for (let n = 60; n > 0; n--) f = n / 2 / (a + f);
    return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f));
  }
  const sigmoid = x => 1 / (1 + Math.exp(-x));
  const clip = (x, low, high) => Math.min(Math.max(x, low), high);
  const CURVES = {
    relu: x => Math.max(x, 0), sigmoid, tanh: Math.tanh, exp: Math.exp, sqrt: Math.sqrt, abs: Math.abs, neg: x => -x,
    relu6: x => clip(x, 0, 6), silu: x => x * sigmoid(x),
    gelu: (x, n) => n.tanh ? x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) : x / 2 * (1 + erf(x / Math.SQRT2)),
    leaky_relu: (x, n) => x > 0 ? x : n.slope * x, elu: (x, n) => x > 0 ? x : n.alpha * Math.expm1(x),
    hardswish: x => x * clip(x + 3, 0, 6) / 6, hardsigmoid: x => clip(x + 3, 0, 6) / 6,
    softplus: x => x > 20 ? x : Math.log1p(Math.exp(x)), mish: x => x * Math.tanh(Math.log1p(Math.exp(x))),
  };
  const FORMULAS = {
    relu: 'max(0, x)', sigmoid: '1 / (1 + e^−x)', tanh: 'tanh x', relu6: 'x, but at least 0 and at most 6', silu: 'x · sigmoid(x)',
    gelu: 'x times the share of a normal distribution below x', leaky_relu: 'x above 0, a small share of it below', elu: 'x above 0, e^x − 1 below',
  };
  const PAIRS = {add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b};
  const SIGNS = {add: '+', sub: '−', mul: '·', div: '/'};

  // ---- Windows that slide: convolution and pooling ----
  function window(n, size, y, x) {  // The input places that an output place sees, and which entry of the kernel meets each
    const [kh, kw] = n.kernel, [sy, sx] = n.stride, [py, px] = n.pad, [dy, dx] = n.dilation || [1, 1], res = [];
    for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
      const r = y * sy - py + i * dy, c = x * sx - px + j * dx;
      res.push({r, c, k: i * kw + j, inside: r >= 0 && c >= 0 && r < size[0] && c < size[1]});
    }
    return res;
  }
  const shares = (i, n, out) => [Math.floor(i * n / out), Math.ceil((i + 1) * n / out)];  // Of adaptive pooling
  function seen(n, size, y, x) {
    if (!n.adaptive) return window(n, size, y, x).filter(o => o.inside);
    const [r0, r1] = shares(y, size[0], n.out[2]), [c0, c1] = shares(x, size[1], n.out[3]), res = [];
    for (let r = r0; r < r1; r++) for (let c = c0; c < c1; c++) res.push({r, c});
    return res;
  }
  // An average counts the zeros of the padding where torch does
  function divisor(n, size, y, x, cells) {
    if (n.adaptive || !n.count_pad) return cells.length;
    const ends = (o, k) => Math.min(o * n.stride[k] - n.pad[k] + n.kernel[k], size[k] + n.pad[k]) - (o * n.stride[k] - n.pad[k]);
    return ends(y, 0) * ends(x, 1);
  }
  function conv2d(n, [X]) {
    const [, ci, h, w] = X.shape, [, co, oh, ow] = n.out, [kh, kw] = n.kernel, W = n.weight.data;
    const [sy, sx] = n.stride, [py, px] = n.pad, [dy, dx] = n.dilation, per = ci / n.groups, out = tensor(n.out), sum = new Float64Array(oh * ow);
    for (let o = 0; o < co; o++) {
      sum.fill(n.bias ? n.bias.data[o] : 0);
      const first = Math.floor(o / (co / n.groups)) * per;
      for (let c = 0; c < per; c++) for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const weight = W[((o * per + c) * kh + i) * kw + j], from = (first + c) * h * w, shift = j * dx - px;
        const x0 = Math.max(0, Math.ceil(-shift / sx)), x1 = Math.min(ow - 1, Math.floor((w - 1 - shift) / sx));
        for (let y = 0; y < oh; y++) {
          const r = y * sy - py + i * dy;
          if (r < 0 || r >= h) continue;
          const row = from + r * w + shift;
          for (let x = x0; x <= x1; x++) sum[y * ow + x] += weight * X.data[row + x * sx];
        }
      }
      out.data.set(sum, o * oh * ow);
    }
    return out;
  }
  function pool(n, [X]) {
    const [, c, h, w] = X.shape, [, , oh, ow] = n.out, out = tensor(n.out), most = n.op === 'max_pool';
    for (let y = 0; y < oh; y++) for (let x = 0; x < ow; x++) {
      const cells = seen(n, [h, w], y, x), by = most ? 1 : divisor(n, [h, w], y, x, cells);
      for (let k = 0; k < c; k++) {
        let v = most ? -Infinity : 0;
        for (const o of cells) { const u = X.data[(k * h + o.r) * w + o.c]; v = most ? Math.max(v, u) : v + u; }
        out.data[(k * oh + y) * ow + x] = v / by;
      }
    }
    return out;
  }

  // ---- Along an axis: normalisation, softmax, means ----
  // Calls f with the places of each group of numbers that differ along the last `k` axes, or along one axis
  function lines(shape, axis, f) {
    const n = shape[axis], step = strides(shape)[axis], total = count(shape);
    for (let i = 0; i < total; i++) if (Math.floor(i / step) % n === 0) f(i, step, n);
  }
  function moments(data, from, step, n) {
    let mean = 0, v = 0;
    for (let i = 0; i < n; i++) mean += data[from + i * step] / n;
    for (let i = 0; i < n; i++) v += (data[from + i * step] - mean) ** 2 / n;
    return [mean, v];
  }
  function layerNorm(n, [X]) {
    const size = n.size, out = tensor(n.out);
    for (let from = 0; from < X.data.length; from += size) {
      const [mean, v] = moments(X.data, from, 1, size), by = Math.sqrt(v + n.eps);
      for (let i = 0; i < size; i++) out.data[from + i] = (X.data[from + i] - mean) / by * (n.weight ? n.weight.data[i] : 1) + (n.bias ? n.bias.data[i] : 0);
    }
    return out;
  }
  function groupNorm(n, [X]) {
    const c = X.shape[1], area = count(X.shape.slice(2)), per = c / n.groups, out = tensor(n.out);
    for (let g = 0; g < n.groups; g++) {
      const [mean, v] = moments(X.data, g * per * area, 1, per * area), by = Math.sqrt(v + n.eps);
      for (let i = 0; i < per * area; i++) {
        const k = g * per + Math.floor(i / area), j = g * per * area + i;
        out.data[j] = (X.data[j] - mean) / by * (n.weight ? n.weight.data[k] : 1) + (n.bias ? n.bias.data[k] : 0);
      }
    }
    return out;
  }
  function batchNorm(n, [X]) {
    const area = count(X.shape.slice(2)), out = tensor(n.out);
    X.data.forEach((x, i) => {
      const k = Math.floor(i / area) % X.shape[1];
      out.data[i] = (x - n.mean.data[k]) / Math.sqrt(n.var.data[k] + n.eps) * (n.weight ? n.weight.data[k] : 1) + (n.bias ? n.bias.data[k] : 0);
    });
    return out;
  }
  function softmax(n, [X]) {
    const out = tensor(n.out);
    lines(X.shape, n.axis, (from, step, size) => {
      let top = -Infinity, sum = 0;
      for (let i = 0; i < size; i++) top = Math.max(top, X.data[from + i * step]);
      for (let i = 0; i < size; i++) sum += Math.exp(X.data[from + i * step] - top);
      for (let i = 0; i < size; i++) {
        const z = X.data[from + i * step] - top;
        out.data[from + i * step] = n.log ? z - Math.log(sum) : Math.exp(z) / sum;
      }
    });
    return out;
  }
  function mean(n, [X]) {
    const sums = new Float64Array(count(n.out)), kept = X.shape.map((s, k) => n.axes.includes(k) ? 1 : s), by = n.sum ? 1 : count(X.shape) / sums.length;
    const step = strides(kept).map((s, k) => n.axes.includes(k) ? 0 : s), own = strides(X.shape);
    X.data.forEach((x, i) => { sums[own.reduce((j, s, k) => j + Math.floor(i / s) % X.shape[k] * step[k], 0)] += x; });
    return tensor(n.out, Float32Array.from(sums, x => x / by));
  }

  // ---- Numbers that change places ----
  function permute(n, [X]) {
    const step = strides(X.shape), out = tensor(n.out), shape = n.out;
    for (let i = 0; i < out.data.length; i++) out.data[i] = X.data[place(shape, i).reduce((s, o, k) => s + o * step[n.axes[k]], 0)];
    return out;
  }
  function padded(n, [X]) {
    const out = tensor(n.out);
    out.data.fill(n.value);
    X.data.forEach((x, i) => {
      const where = place(X.shape, i).map((o, k) => o + n.before[k]);
      if (where.every((o, k) => o >= 0 && o < n.out[k])) out.data[flat(n.out, where)] = x;
    });
    return out;
  }
  function cat(n, inputs) {
    const out = tensor(n.out);
    let begin = 0;
    for (const X of inputs) {
      X.data.forEach((x, i) => { const where = place(X.shape, i); where[n.axis] += begin; out.data[flat(n.out, where)] = x; });
      begin += X.shape[n.axis];
    }
    return out;
  }
  // Where a number of the output finds its partner in a tensor of a smaller shape
  function spread(shape, out) {
    const step = strides(shape), own = strides(out), skip = out.length - shape.length;
    return i => shape.reduce((s, size, k) => s + (size === 1 ? 0 : Math.floor(i / own[k + skip]) % out[k + skip] * step[k]), 0);
  }
  function pair(n, inputs) {
    const f = PAIRS[n.op], sides = inputs.length === 2 ? inputs : n.first ? [n.other, inputs[0]] : [inputs[0], n.other];
    const [a, b] = sides, [ia, ib] = sides.map(t => String(t.shape) === String(n.out) ? i => i : spread(t.shape, n.out)), out = tensor(n.out);
    for (let i = 0; i < out.data.length; i++) out.data[i] = f(a.data[ia(i)], b.data[ib(i)]);
    return out;
  }
  function linear(n, [X]) {
    const [co, ci] = n.weight.shape, rows = X.data.length / ci, out = tensor(n.out), W = n.weight.data;
    for (let r = 0; r < rows; r++) for (let o = 0; o < co; o++) {
      let s = n.bias ? n.bias.data[o] : 0;
      for (let i = 0; i < ci; i++) s += W[o * ci + i] * X.data[r * ci + i];
      out.data[r * co + o] = s;
    }
    return out;
  }

  const curve = (n, [X]) => { const f = CURVES[n.op]; return tensor(n.out, X.data.map(x => f(x, n))); };
  const same = (n, [X]) => tensor(n.out, X.data);
  const FORWARD = {conv2d, max_pool: pool, avg_pool: pool, layer_norm: layerNorm, group_norm: groupNorm, batch_norm: batchNorm, softmax, mean,
    permute, pad: padded, cat, linear, reshape: same, identity: same};
  for (const name in CURVES) FORWARD[name] = curve;
  for (const name in PAIRS) FORWARD[name] = pair;

  // Values of all nodes for an image; `known(i)` gives what torch recorded of a node that is not known here, or null
  function forward(nodes, image, known = () => null) {
    const values = [];
    nodes.forEach((n, i) => {
      const inputs = n.inputs.map(k => values[k]);
      if (n.op === 'input') values.push(image);
      else if (n.op === 'constant') values.push(n.value);
      else if (n.op === 'unknown') values.push(known(i));
      else values.push(inputs.includes(null) ? null : FORWARD[n.op](n, inputs));
    });
    return values;
  }

  // ---- Where one number comes from ----
  // {how, terms: [{input, index, value, weight, product}], rest}: terms are the inputs that it is made of, `rest` what is added
  function sources(nodes, values, id, index) {
    const n = nodes[id], X = n.inputs.map(k => values[k])[0], value = values[id].data[index], where = place(n.out, index);
    const term = (i, weight, input = 0) => {
      const v = values[n.inputs[input]].data[i];
      return weight === undefined ? {input, index: i, value: v} : {input, index: i, value: v, weight, product: v * weight};
    };
    const bias = k => n.bias ? n.bias.data[k] : 0, scale = k => n.weight ? n.weight.data[k] : 1;
    const normed = (m, v, k) => ({how: `(x − mean ${text(m)}) / √(variance ${text(v)} + ${n.eps}) · ${text(scale(k))} + ${text(bias(k))}`, terms: [term(index)]});
    switch (n.op) {
      case 'input': return {how: 'a pixel of the input', terms: []};
      case 'constant': return {how: 'a number that was learnt', terms: []};
      case 'unknown': return {how: 'what torch computed; this page does not know the layer', terms: []};
      case 'conv2d': {
        const [, ci, h, w] = X.shape, per = ci / n.groups, k = count(n.kernel), terms = [];
        const first = Math.floor(where[1] / (n.out[1] / n.groups)) * per;
        for (let c = 0; c < per; c++) for (const o of window(n, [h, w], where[2], where[3]))
          if (o.inside) terms.push(term(((first + c) * h + o.r) * w + o.c, n.weight.data[(where[1] * per + c) * k + o.k]));
        return {how: 'sum of pixel times weight, plus the bias', terms, rest: bias(where[1])};
      }
      case 'linear': {
        const ci = n.weight.shape[1], o = where[where.length - 1], row = (index - o) / n.out[n.out.length - 1] * ci;
        return {how: 'sum of input times weight, plus the bias', terms: range(ci).map(i => term(row + i, n.weight.data[o * ci + i])), rest: bias(o)};
      }
      case 'max_pool': case 'avg_pool': {
        const [, , h, w] = X.shape, cells = seen(n, [h, w], where[2], where[3]), most = n.op === 'max_pool';
        const terms = cells.map(o => term((where[1] * h + o.r) * w + o.c, most ? undefined : 1 / divisor(n, [h, w], where[2], where[3], cells)));
        return {how: most ? 'the largest of the window' : 'the average of the window', terms};
      }
      case 'batch_norm': return normed(n.mean.data[where[1]], n.var.data[where[1]], where[1]);
      case 'layer_norm': { const k = index % n.size; return normed(...moments(X.data, index - k, 1, n.size), k); }
      case 'group_norm': {
        const area = count(X.shape.slice(2)), size = area * X.shape[1] / n.groups;
        return normed(...moments(X.data, Math.floor(index / size) * size, 1, size), where[1]);
      }
      case 'softmax': {
        const step = strides(n.out)[n.axis], from = index - where[n.axis] * step;
        return {how: 'e to this number, as a share of the same for all', terms: range(n.out[n.axis]).map(i => term(from + i * step)), own: where[n.axis]};
      }
      case 'mean': {
        const step = strides(X.shape), kept = X.shape.map((s, k) => n.axes.includes(k) ? 1 : s), from = place(kept, index);
        let places = [flat(X.shape, from)];
        for (const a of n.axes) places = places.flatMap(p => range(X.shape[a]).map(i => p + i * step[a]));
        return {how: n.sum ? 'the sum' : 'the average', terms: places.map(p => term(p, n.sum ? 1 : 1 / places.length))};
      }
      case 'permute': return {how: 'the same number at another place', terms: [term(place(n.out, index).reduce((s, o, k) => s + o * strides(X.shape)[n.axes[k]], 0))]};
      case 'pad': {
        const from = where.map((o, k) => o - n.before[k]);
        return from.every((o, k) => o >= 0 && o < X.shape[k]) ? {how: 'the same number', terms: [term(flat(X.shape, from))]} : {how: 'padding', terms: []};
      }
      case 'cat': {
        let begin = 0, k = 0;
        while (where[n.axis] >= begin + values[n.inputs[k]].shape[n.axis]) begin += values[n.inputs[k++]].shape[n.axis];
        const shape = values[n.inputs[k]].shape, from = [...where];
        from[n.axis] -= begin;
        return {how: 'the same number', terms: [term(flat(shape, from), undefined, k)]};
      }
      case 'add': case 'sub': case 'mul': case 'div': {
        const terms = n.inputs.map((k, input) => term(spread(values[k].shape, n.out)(index), undefined, input));
        const other = terms.length === 1 ? text(n.other.data[spread(n.other.shape, n.out)(index)]) : '';
        const sides = terms.length === 2 ? ['x', 'y'] : n.first ? [other, 'x'] : ['x', other];
        return {how: sides.join(` ${SIGNS[n.op]} `), terms};
      }
    }
    return {how: FORMULAS[n.op] || (CURVES[n.op] ? `${n.op} of x` : 'the same number'), terms: [term(index)], value};
  }
  const text = v => Number.isFinite(v) ? (Math.abs(v) >= 1e5 || v && Math.abs(v) < 1e-3 ? v.toExponential(2) : String(+v.toPrecision(4))).replace('-', '−') : String(v);

  // Which of the terms weighs most: the largest product, or where nothing is multiplied the largest value
  function strongest(terms, own) {
    if (own !== undefined) return terms[own];
    const weigh = t => t.product !== undefined ? Math.abs(t.product) : t.value;
    return terms.reduce((a, b) => a && weigh(a) >= weigh(b) ? a : b, null);
  }
  // From a number back to a pixel, along the term that weighs most at every step
  function path(nodes, values, id, index) {
    const steps = [{id, index}];
    for (let s; values[id]; ) {
      s = sources(nodes, values, id, index);
      const t = strongest(s.terms, s.own);
      if (!t) break;
      [id, index] = [nodes[id].inputs[t.input], t.index];
      steps.push({id, index});
    }
    return steps;
  }

  // ---- What a number can see of the input: a box, [first, last] for each axis ----
  function boxes(nodes, id, index) {
    const res = nodes.map(() => null), whole = shape => shape.map(s => [0, s - 1]);
    res[id] = place(nodes[id].out, index).map(o => [o, o]);
    for (let i = id; i >= 0; i--) {
      const box = res[i], n = nodes[i];
      if (!box) continue;
      n.inputs.forEach((k, nth) => {
        const b = back(n, box, nodes[k].out, nth, nodes);
        if (b && b.some(([lo, hi], a) => hi < 0 || lo >= nodes[k].out[a])) return;  // It lies in another part of what was joined, or in padding
        const cut = b ? b.map(([lo, hi], a) => [Math.max(lo, 0), Math.min(hi, nodes[k].out[a] - 1)]) : whole(nodes[k].out);
        res[k] = res[k] ? res[k].map(([lo, hi], a) => [Math.min(lo, cut[a][0]), Math.max(hi, cut[a][1])]) : cut;
      });
    }
    return res;
  }
  function back(n, box, shape, nth, nodes) {
    const all = a => [0, shape[a] - 1];
    if (n.op in CURVES || n.op === 'batch_norm' || n.op === 'identity') return box;
    if (n.op in PAIRS) return shape.map((s, a) => s === 1 ? [0, 0] : box[a + box.length - shape.length]);
    switch (n.op) {
      case 'conv2d': case 'max_pool': case 'avg_pool': {
        const channels = n.op !== 'conv2d' || n.groups === shape[1] && n.groups === n.out[1] ? box[1] : all(1);
        const side = k => {
          const [lo, hi] = box[k + 2];
          if (n.adaptive) return [shares(lo, shape[k + 2], n.out[k + 2])[0], shares(hi, shape[k + 2], n.out[k + 2])[1] - 1];
          return [lo * n.stride[k] - n.pad[k], hi * n.stride[k] - n.pad[k] + (n.kernel[k] - 1) * (n.dilation || [1, 1])[k]];
        };
        return [box[0], channels, side(0), side(1)];
      }
      case 'permute': { const res = []; n.axes.forEach((a, k) => { res[a] = box[k]; }); return res; }
      case 'softmax': return box.map((b, a) => a === n.axis ? all(a) : b);
      case 'linear': return box.map((b, a) => a === box.length - 1 ? all(a) : b);
      case 'layer_norm': { let left = n.size, a = shape.length; while (left > 1) left /= shape[--a]; return box.map((b, k) => k >= a ? all(k) : b); }
      case 'mean': { let k = 0; return shape.map((s, a) => n.axes.includes(a) ? (n.keep && k++, all(a)) : box[k++]); }
      case 'pad': return box.map(([lo, hi], a) => [lo - n.before[a], hi - n.before[a]]);
      case 'cat': {
        const begin = n.inputs.slice(0, nth).reduce((s, k) => s + nodes[k].out[n.axis], 0);
        return box.map(([lo, hi], a) => a === n.axis ? [lo - begin, hi - begin] : [lo, hi]);
      }
      case 'reshape': {  // Only where a single axis of one number each came or went
        const solid = s => s.map((v, a) => [v, a]).filter(([v]) => v > 1), from = solid(shape), to = solid(n.out);
        if (String(from.map(o => o[0])) !== String(to.map(o => o[0]))) return null;
        const res = shape.map(() => [0, 0]);
        from.forEach(([, a], k) => { res[a] = box[to[k][1]]; });
        return res;
      }
    }
    return null;
  }
  return {forward, sources, strongest, path, boxes, place, flat, count, tensor, text, erf, KNOWN: Object.keys(FORWARD)};
})();
