'use strict';
// Convolution as torch.nn.functional.conv2d computes it. Maps are {shape: [channels, height, width], values}, weights
// {shape: [channels out, channels in / groups, height, width], values}. Shifts are pairs [down, right] or one number for both.
const Conv = (() => {
  const pair = o => Array.isArray(o) ? o : [o, o];
  const covered = (kernel, dilation) => dilation * (kernel - 1) + 1;  // pixels from the first weight to the last
  // Output size along one axis; 0 or less where the kernel does not fit
  const outSize = (n, kernel, stride = 1, pad = 0, dilation = 1) => Math.floor((n + 2 * pad - covered(kernel, dilation)) / stride) + 1;

  function conv2d(x, weight, bias = null, {stride = 1, padding = 0, dilation = 1, groups = 1} = {}) {
    const [cin, h, w] = x.shape, [cout, each, kh, kw] = weight.shape;
    const [sy, sx] = pair(stride), [py, px] = pair(padding), [dy, dx] = pair(dilation);
    const rows = outSize(h, kh, sy, py, dy), cols = outSize(w, kw, sx, px, dx);
    if (each * groups !== cin) throw new RangeError(`the kernel wants ${each * groups} channels, the map has ${cin}`);
    if (rows < 1 || cols < 1) throw new RangeError(`the kernel is larger than the padded map of ${h} x ${w}`);
    const out = new Float32Array(cout * rows * cols), per = cout / groups;
    for (let o = 0; o < cout; o++) {
      const from = Math.floor(o / per) * each;  // the first channel of this group
      const sums = new Float64Array(rows * cols).fill(bias ? bias[o] : 0);
      for (let c = 0; c < each; c++) for (let a = 0; a < kh; a++) for (let b = 0; b < kw; b++) {
        const k = weight.values[((o * each + c) * kh + a) * kw + b];
        if (k === 0) continue;
        for (let r = 0; r < rows; r++) {
          const y = r * sy - py + a * dy;
          if (y < 0 || y >= h) continue;
          const line = ((from + c) * h + y) * w, at = r * cols;
          for (let q = 0; q < cols; q++) {
            const z = q * sx - px + b * dx;
            if (z >= 0 && z < w) sums[at + q] += k * x.values[line + z];
          }
        }
      }
      out.set(sums, o * rows * cols);
    }
    return {shape: [cout, rows, cols], values: out};
  }

  // What meets in one output pixel of one channel in and out: a list of {r, c, weight, value, product}; in the padding
  // `inside` is false and the value 0
  function terms(image, rows, cols, kernel, k, at, {stride = 1, padding = 0, dilation = 1} = {}) {
    const found = [];
    for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) {
      const r = at[0] * stride - padding + a * dilation, c = at[1] * stride - padding + b * dilation;
      const inside = r >= 0 && r < rows && c >= 0 && c < cols, value = inside ? image[r * cols + c] : 0;
      const weight = kernel[a * k + b];
      found.push({r, c, a, b, inside, weight, value, product: weight * value});
    }
    return found;
  }

  // How many pixels along an axis one output of each layer of a stack sees. layers: {kernel, stride, dilation};
  // gives [{sees, jump}] after 1, 2, ... layers, `jump` the pixels from one output to the next
  function receptive(layers) {
    let sees = 1, jump = 1;
    return layers.map(({kernel, stride = 1, dilation = 1}) => {
      sees += (kernel - 1) * dilation * jump; jump *= stride;
      return {sees, jump};
    });
  }

  // On how many paths one output of a stack reaches each of the pixels it spans, along one axis
  function paths(layers) {
    let counts = [1];
    for (const {kernel, stride = 1, dilation = 1} of [...layers].reverse()) {
      const below = new Array((counts.length - 1) * stride + covered(kernel, dilation)).fill(0);
      counts.forEach((n, i) => { for (let a = 0; a < kernel; a++) below[i * stride + a * dilation] += n; });
      counts = below;
    }
    return counts;
  }
  return {covered, outSize, conv2d, terms, receptive, paths};
})();
