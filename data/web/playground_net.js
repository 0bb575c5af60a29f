'use strict';
// The mathematics of the playground: random numbers, data, network, one step of SGD.
// Every definition here has its twin in course_labs/playground.py; a test holds the two together.
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
  // Each takes two uniform numbers and the label of the class, and gives [x1, x2, y]
  const DATASETS = {
    circle(a, b, side) {
      const r = side > 0 ? 2.5 * Math.sqrt(a) : Math.sqrt(3.5 * 3.5 + a * (5 * 5 - 3.5 * 3.5));
      return [r * Math.cos(2 * Math.PI * b), r * Math.sin(2 * Math.PI * b), side];
    },
    xor(a, b) {
      const away = u => (u < 0.5 ? -1 : 1) * (0.3 + 4.7 * Math.abs(2 * u - 1));
      return [away(a), away(b), (a < 0.5) === (b < 0.5) ? 1 : -1];
    },
    gauss(a, b, side) {
      const r = Math.sqrt(-2 * Math.log(1 - a));
      return [2 * side + r * Math.cos(2 * Math.PI * b), 2 * side + r * Math.sin(2 * Math.PI * b), side];
    },
    spiral(a, b, side) {
      const r = 0.3 + 4.7 * a, angle = 3.5 * Math.PI * a + (side > 0 ? 0 : Math.PI);
      return [r * Math.sin(angle), r * Math.cos(angle), side];
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
  const problem = dataset => REGRESSION.includes(dataset) ? 'regression' : 'classification';

  function makeData(dataset, noise, seed, n = 500) {
    const a = randoms(seed, 0, n), b = randoms(seed, 1, n);
    const e1 = normals(seed, 2, n), e2 = normals(seed, 4, n), key = randoms(seed, 6, n);
    const clip = v => Math.max(-HALF, Math.min(HALF, v));
    const points = Array.from({length: n}, (_, i) => {
      const [x1, x2, y] = DATASETS[dataset](a[i], b[i], i % 2 ? -1 : 1);
      return {x1: clip(x1 + 3 * noise / 100 * e1[i]), x2: clip(x2 + 3 * noise / 100 * e2[i]), y, key: key[i]};
    });
    points.sort((p, q) => p.key - q.key);
    return {X: points.map(p => [p.x1, p.x2]), y: points.map(p => p.y)};
  }
  function split({X, y}, trainRatio) {
    const n = Math.floor(X.length * trainRatio / 100);
    return {train: {X: X.slice(0, n), y: y.slice(0, n)}, test: {X: X.slice(n), y: y.slice(n)}};
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

  // ---- The network ----
  class PlaygroundNet {
    constructor({features, hidden, activation, problem, seed}) {
      Object.assign(this, {features, hidden, activation, problem});
      this.sizes = [features.length, ...hidden, 1];
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
      return input[0];
    }
    // Adds the gradient of (output - y)^2 / 2 at one point to gW and gb
    backward(x1, x2, y) {
      const last = this.W.length - 1, err = this.forward(x1, x2) - y;
      this.delta[last][0] = err * this.act(last).d(this.z[last][0], this.a[last][0]);
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
      return err * err / 2;
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
    // Mean loss, and the share of points on the right side of 0
    evaluate({X, y}) {
      let loss = 0, right = 0;
      for (let p = 0; p < X.length; p++) {
        const out = this.forward(X[p][0], X[p][1]);
        loss += (out - y[p]) ** 2 / 2;
        right += (out >= 0) === (y[p] >= 0);
      }
      return {loss: loss / X.length, accuracy: right / X.length};
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
  return {randoms, normals, makeData, split, problem, PlaygroundNet, DATASETS, FEATURES, ACTIVATIONS, HALF};
})();
