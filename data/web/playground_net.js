'use strict';
// The mathematics of the playground: random numbers, data, network, one step of SGD.
// Every definition here has its twin in course_labs/data_sets/plane.py and course_labs/teaching/playground/net.py;
// tests hold the two together.
const Net = (() => {
  // ---- Random numbers: stream number `stream` of seed `seed`, the same in Python ----
  function mix(h) {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  }
  const GAMMA = 0x9e3779b9;
  function randoms(seed, stream, n) {
    const start = mix(mix((seed + GAMMA) | 0) ^ stream);
    return Float64Array.from({length: n}, (_, k) => mix((start + Math.imul(k + 1, GAMMA)) | 0) / 4294967296);
  }
  function normals(seed, stream, n) {
    const a = randoms(seed, stream, n), b = randoms(seed, stream + 1, n);
    return a.map((u, i) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * b[i]));
  }

  // ---- Data ----
  const HALF = 6;  // Both coordinates run from -6 to 6
  function bumps(x1, x2) {
    let y = 0;
    for (let k = 0; k < 6; k++) {
      const d1 = x1 - 4 * Math.cos(k * Math.PI / 3), d2 = x2 - 4 * Math.sin(k * Math.PI / 3);
      y += (k % 2 ? -1 : 1) * Math.exp(-(d1 * d1 + d2 * d2) / (2 * 1.2 * 1.2));
    }
    return y;
  }
  // Each takes two uniform numbers and the number of the point, and gives [x1, x2, y]
  const sideOf = i => i % 2 ? -1 : 1;
  const DATASETS = {
    circle(a, b, i) {
      const side = sideOf(i);
      const r = side > 0 ? 2.5 * Math.sqrt(a) : Math.sqrt(3.5 * 3.5 + a * (5 * 5 - 3.5 * 3.5));
      return [r * Math.cos(2 * Math.PI * b), r * Math.sin(2 * Math.PI * b), side];
    },
    xor(a, b) {
      const away = u => (u < 0.5 ? -1 : 1) * (0.3 + 4.7 * Math.abs(2 * u - 1));
      return [away(a), away(b), (a < 0.5) === (b < 0.5) ? 1 : -1];
    },
    gauss(a, b, i) {
      const side = sideOf(i), r = Math.sqrt(-2 * Math.log(1 - a));
      return [2 * side + r * Math.cos(2 * Math.PI * b), 2 * side + r * Math.sin(2 * Math.PI * b), side];
    },
    spiral(a, b, i) {
      const side = sideOf(i), r = 0.3 + 4.7 * a, angle = 3.5 * Math.PI * a + (side > 0 ? 0 : Math.PI);
      return [r * Math.sin(angle), r * Math.cos(angle), side];
    },
    pinwheel(a, b, i) {
      const r = 0.5 + 4.5 * a, angle = 2 * Math.PI * (i % 3) / 3 + 0.35 * r + 1.2 * (b - 0.5);
      return [r * Math.cos(angle), r * Math.sin(angle), i % 3];
    },
    plane(a, b) {
      const x1 = 12 * a - 6, x2 = 12 * b - 6;
      return [x1, x2, (x1 + x2) / 12];
    },
    'multi gauss'(a, b) {
      const x1 = 12 * a - 6, x2 = 12 * b - 6;
      return [x1, x2, bumps(x1, x2)];
    },
  };
  const REGRESSION = ['plane', 'multi gauss'];
  // 0 for a regression
  function nClasses(dataset, points = []) {
    if (REGRESSION.includes(dataset)) return 0;
    if (dataset === 'own') return points.reduce((n, p) => Math.max(n, p[2] + 1), 2);
    return dataset === 'pinwheel' ? 3 : 2;
  }
  const problem = (dataset, points) => ({0: 'regression', 2: 'classification'})[nClasses(dataset, points)] ?? 'classes';

  function makeData(dataset, noise, seed, n = 500, own = []) {
    if (dataset === 'own') n = own.length;
    const several = problem(dataset, own) === 'classes';
    const place = i => dataset === 'own' ? [own[i][0], own[i][1], several ? own[i][2] : 1 - 2 * own[i][2]] : DATASETS[dataset](a[i], b[i], i);
    const a = randoms(seed, 0, n), b = randoms(seed, 1, n);
    const e1 = normals(seed, 2, n), e2 = normals(seed, 4, n), key = randoms(seed, 6, n);
    const clip = v => Math.max(-HALF, Math.min(HALF, v));
    const points = Array.from({length: n}, (_, i) => {
      const [x1, x2, y] = place(i);
      return {x1: clip(x1 + 3 * noise / 100 * e1[i]), x2: clip(x2 + 3 * noise / 100 * e2[i]), y, key: key[i]};
    });
    points.sort((p, q) => p.key - q.key);
    return {X: points.map(p => [p.x1, p.x2]), y: points.map(p => p.y)};
  }
  function split({X, y}, trainRatio) {
    const n = Math.floor(X.length * trainRatio / 100);
    return {train: {X: X.slice(0, n), y: y.slice(0, n)}, test: {X: X.slice(n), y: y.slice(n)}};
  }

  // ---- Own points: a csv with two numbers and a class in each line ----
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
  const isNumber = t => NUMBER.test(t) && Math.abs(Number(t)) < 1e300;
  // Fields of each line that is not empty, with its number; a field in quotation marks may hold the delimiter
  function csvRows(text) {
    const lines = text.split(/\r\n|\r|\n/), first = lines.find(l => l.trim()) ?? '', count = d => first.split(d).length;
    const delimiter = [',', ';', '\t'].reduce((best, d) => count(d) > count(best) ? d : best);
    const fields = l => {
      const out = [];
      for (const part of l.split(delimiter)) {
        const open = out.length && /^"(?:[^"]|"")*$/.test(out.at(-1));
        if (open) out[out.length - 1] += delimiter + part; else out.push(part);
      }
      return out.map(f => (/^"[^]*"$/.test(f) ? f.slice(1, -1).replaceAll('""', '"') : f).trim());
    };
    return {delimiter, rows: lines.map((l, k) => [k + 1, fields(l)]).filter(([, f]) => f.some(o => o))};
  }
  function parsePoints(text, name = 'the csv', {fewest = 10, most = 1000, classes = 6} = {}) {
    const fail = why => { throw new RangeError(why); };
    let {delimiter, rows} = csvRows(text.replace(/^\ufeff/, ''));
    if (rows.length && rows[0][1].length === 3 && !isNumber(rows[0][1][0]) && !isNumber(rows[0][1][1])) rows = rows.slice(1);
    for (const [line, f] of rows) {
      if (f.length === 3 && isNumber(f[0]) && isNumber(f[1]) && f[2]) continue;
      fail(`${name}, line ${line}: expected two numbers and a class, as in 1.5,-2,red; found '${f.join(delimiter).slice(0, 60)}'`);
    }
    const names = [...new Set(rows.map(([, f]) => f[2]))], plain = (a, b) => a < b ? -1 : a > b ? 1 : 0;
    names.sort(names.every(isNumber) ? (a, b) => Number(a) - Number(b) || plain(a, b) : plain);
    if (rows.length < fewest || rows.length > most) fail(`${name} has ${rows.length} points: ${fewest} to ${most.toLocaleString('en')} are wanted`);
    if (names.length < 2 || names.length > classes) fail(`${name} has ${names.length} classes in its third column: 2 to ${classes} are wanted`);
    const axes = [0, 1].map(k => rows.map(([, f]) => Number(f[k]))), low = axes.map(v => Math.min(...v)), high = axes.map(v => Math.max(...v));
    const off = Math.max(...low.map(Math.abs), ...high.map(Math.abs)) > 6 || Math.max(...high.map((h, k) => h - low[k])) < 3;
    const fit = (v, k) => !off ? v : high[k] > low[k] ? 10 * (v - low[k]) / (high[k] - low[k]) - 5 : 0;
    const rounded = v => Math.floor(v * 1000 + 0.5) / 1000;
    return {points: rows.map(([, f], i) => [rounded(fit(axes[0][i], 0)), rounded(fit(axes[1][i], 1)), names.indexOf(f[2])]), names};
  }

  // ---- Features and activations ----
  const FEATURES = {
    'x1': (a, b) => a, 'x2': (a, b) => b, 'x1^2': (a, b) => a * a, 'x2^2': (a, b) => b * b,
    'x1*x2': (a, b) => a * b, 'sin(x1)': (a, b) => Math.sin(a), 'sin(x2)': (a, b) => Math.sin(b),
  };
  // Squares and the product reach 36 where x1 reaches 6: their initial weights are as much smaller
  const SIZE = {'x1^2': 6, 'x2^2': 6, 'x1*x2': 6};
  // Value from z, and derivative from z and the value
  const ACTIVATIONS = {
    tanh: {f: Math.tanh, d: (z, a) => 1 - a * a},
    relu: {f: z => z > 0 ? z : 0, d: z => z > 0 ? 1 : 0},
    sigmoid: {f: z => 1 / (1 + Math.exp(-z)), d: (z, a) => a * (1 - a)},
    linear: {f: z => z, d: () => 1},
  };

  function softmax(z) {
    const top = Math.max(...z);
    let sum = 0;
    for (let k = 0; k < z.length; k++) sum += z[k] = Math.exp(z[k] - top);
    for (let k = 0; k < z.length; k++) z[k] /= sum;
  }
  // The same for many points: an array for each class
  function softmaxAll(classes) {
    const z = new Float64Array(classes.length);
    for (let p = 0; p < classes[0].length; p++) {
      for (let k = 0; k < z.length; k++) z[k] = classes[k][p];
      softmax(z);
      for (let k = 0; k < z.length; k++) classes[k][p] = z[k];
    }
  }

  // ---- The network ----
  class PlaygroundNet {
    constructor({features, hidden, activation, problem, seed, classes = 3}) {
      Object.assign(this, {features, hidden, activation, problem});
      this.sizes = [features.length, ...hidden, problem === 'classes' ? classes : 1];
      this.W = []; this.b = [];
      for (let l = 0; l + 1 < this.sizes.length; l++) {
        const fanIn = this.sizes[l], fanOut = this.sizes[l + 1], bound = Math.sqrt(6 / (fanIn + fanOut));
        const size = k => l ? 1 : SIZE[features[k % fanIn]] ?? 1;
        this.W.push(randoms(seed, 16 + l, fanIn * fanOut).map((u, k) => (2 * u - 1) * bound / size(k)));  // Row j: weights into neuron j
        this.b.push(new Float64Array(fanOut));
      }
      const layers = make => this.sizes.slice(1).map(make);
      this.z = layers(n => new Float64Array(n));
      this.a = layers(n => new Float64Array(n));
      this.delta = layers(n => new Float64Array(n));
      this.gW = this.W.map(w => new Float64Array(w.length));
      this.gb = this.b.map(b => new Float64Array(b.length));
      this.x = new Float64Array(features.length);
      this.fns = features.map(f => FEATURES[f]);
    }
    act(layer) {
      if (layer < this.W.length - 1) return ACTIVATIONS[this.activation];
      return ACTIVATIONS[this.problem === 'classification' ? 'tanh' : 'linear'];
    }
    get last() { return this.a.at(-1); }
    forward(x1, x2) {
      this.fns.forEach((f, i) => { this.x[i] = f(x1, x2); });
      let input = this.x;
      for (let l = 0; l < this.W.length; l++) {
        const {f} = this.act(l), W = this.W[l], n = input.length, z = this.z[l], a = this.a[l];
        for (let j = 0; j < z.length; j++) {
          let s = this.b[l][j];
          for (let i = 0; i < n; i++) s += W[j * n + i] * input[i];
          z[j] = s; a[j] = f(s);
        }
        input = a;
      }
      if (this.problem === 'classes') softmax(input);
      return input[0];
    }
    // The loss at one point, after forward
    lossAt(y) {
      return this.problem === 'classes' ? -Math.log(Math.max(this.last[y], 1e-300)) : (this.last[0] - y) ** 2 / 2;
    }
    // Adds the gradient of the loss at one point to gW and gb
    backward(x1, x2, y) {
      const last = this.W.length - 1;
      this.forward(x1, x2);
      if (this.problem === 'classes') this.last.forEach((p, k) => { this.delta[last][k] = p - (k === y); });
      else this.delta[last][0] = (this.last[0] - y) * this.act(last).d(this.z[last][0], this.last[0]);
      for (let l = last; l >= 0; l--) {
        const input = l ? this.a[l - 1] : this.x, n = input.length, delta = this.delta[l], gW = this.gW[l], gb = this.gb[l];
        for (let j = 0; j < delta.length; j++) {
          gb[j] += delta[j];
          for (let i = 0; i < n; i++) gW[j * n + i] += delta[j] * input[i];
        }
        if (!l) continue;
        const {d} = this.act(l - 1), W = this.W[l], below = this.delta[l - 1], z = this.z[l - 1], a = this.a[l - 1];
        for (let i = 0; i < n; i++) {
          let s = 0;
          for (let j = 0; j < delta.length; j++) s += W[j * n + i] * delta[j];
          below[i] = s * d(z[i], a[i]);
        }
      }
      return this.lossAt(y);
    }
    // One step of SGD on points `from` to `to`: gradient of the mean loss, L2 in the gradient, L1 as a shrinkage that stops at 0
    step({X, y}, from, to, {lr, regularisation, reg_rate}) {
      for (const g of [...this.gW, ...this.gb]) g.fill(0);
      let loss = 0;
      for (let p = from; p < to; p++) loss += this.backward(X[p][0], X[p][1], y[p]);
      const n = to - from, l2 = regularisation === 'L2' ? reg_rate : 0, shrink = regularisation === 'L1' ? lr * reg_rate : 0;
      for (let l = 0; l < this.W.length; l++) {
        const W = this.W[l], gW = this.gW[l], b = this.b[l], gb = this.gb[l];
        for (let k = 0; k < W.length; k++) {
          const w = W[k] - lr * (gW[k] / n + l2 * W[k]);
          W[k] = shrink ? Math.sign(w) * Math.max(Math.abs(w) - shrink, 0) : w;
        }
        for (let j = 0; j < b.length; j++) b[j] -= lr * gb[j] / n;
      }
      return loss / n;
    }
    // The class of the last point: 0, 1, ... of several, else 1 or -1
    answer() {
      const a = this.last;
      return this.problem === 'classes' ? a.indexOf(Math.max(...a)) : a[0] >= 0 ? 1 : -1;
    }
    // Mean loss, and the share of points that get their class
    evaluate({X, y}) {
      let loss = 0, right = 0;
      for (let p = 0; p < X.length; p++) {
        this.forward(X[p][0], X[p][1]);
        loss += this.lossAt(y[p]);
        right += this.answer() === (this.problem === 'classes' ? y[p] : y[p] >= 0 ? 1 : -1);
      }
      return {loss: loss / (X.length || 1), accuracy: right / (X.length || 1)};
    }
    // Every neuron's value over a grid: one array of n*n numbers for each neuron of each layer, features first; row 0 is the top
    surfaces(n) {
      if (this.gridSize !== n) {
        this.gridSize = n;
        const at = k => -HALF + 2 * HALF * (k + 0.5) / n;
        this.grid = [this.fns.map(f => Float32Array.from({length: n * n}, (_, p) => f(at(p % n), -at(Math.floor(p / n)))))];
        for (const size of this.sizes.slice(1)) this.grid.push(Array.from({length: size}, () => new Float32Array(n * n)));
      }
      for (let l = 0; l < this.W.length; l++) {
        const input = this.grid[l], W = this.W[l], {f} = this.act(l);
        this.grid[l + 1].forEach((out, j) => {
          out.fill(this.b[l][j]);
          for (let i = 0; i < input.length; i++) {
            const w = W[j * input.length + i], a = input[i];
            if (w) for (let p = 0; p < out.length; p++) out[p] += w * a[p];
          }
          for (let p = 0; p < out.length; p++) out[p] = f(out[p]);
        });
      }
      if (this.problem === 'classes') softmaxAll(this.grid.at(-1));
      return this.grid;
    }
    get finite() { return this.W.every(w => w.every(Number.isFinite)) && this.b.every(b => b.every(Number.isFinite)); }
    weights() {
      return {weights: this.W.map((w, l) => this.b[l].length ? Array.from(this.b[l], (_, j) => Array.from(w.subarray(j * this.sizes[l], (j + 1) * this.sizes[l]))) : []),
              biases: this.b.map(b => Array.from(b))};
    }
    setWeights({weights, biases}) {
      const number = v => typeof v === 'number' && Number.isFinite(v);
      const fits = Array.isArray(weights) && Array.isArray(biases) && weights.length === this.W.length && biases.length === this.W.length &&
        this.W.every((_, l) => weights[l]?.length === this.sizes[l + 1] && biases[l]?.length === this.sizes[l + 1] &&
          weights[l].every(row => row?.length === this.sizes[l] && row.every(number)) && biases[l].every(number));
      if (!fits) throw new RangeError(`weights: the network has layers of ${this.sizes.join(', ')} neurons, and every weight is a finite number`);
      weights.forEach((rows, l) => this.W[l].set(rows.flat()));
      biases.forEach((b, l) => this.b[l].set(b));
    }
  }
  return {randoms, normals, makeData, split, problem, nClasses, parsePoints, PlaygroundNet, DATASETS, FEATURES, ACTIVATIONS, HALF};
})();
