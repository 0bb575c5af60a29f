'use strict';
// What the pages that explain a network have in common: arrays from Python, colours, a grid of numbers on a canvas that
// is reached by mouse, finger and keyboard, and a small image to draw on. store.js has `make` and `setTheme`.
const Kit = (() => {
  const $ = id => document.getElementById(id);
  const read = () => JSON.parse($('data').textContent || 'null');

  // ---- Arrays from Python: {shape, as: 'f2' | 'u1' | 'f4', data: base64}, as explain/page.py packs them ----
  function half(bits) {  // the number that 16 bits hold in IEEE 754
    const sign = bits & 0x8000 ? -1 : 1, power = bits >> 10 & 31, rest = bits & 1023;
    if (power === 31) return rest ? NaN : sign * Infinity;
    return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -24 * rest);
  }
  function bytesOf(text) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return bytes;
  }
  // {shape, values: Float32Array}, values in the order of the last axis first
  function unpack(packed) {
    const bytes = bytesOf(packed.data), view = new DataView(bytes.buffer), step = {u1: 1, f2: 2, f4: 4}[packed.as];
    const get = {u1: i => bytes[i], f2: i => half(view.getUint16(i, true)), f4: i => view.getFloat32(i, true)}[packed.as];
    const values = new Float32Array(bytes.length / step);
    for (let i = 0; i < values.length; i++) values[i] = get(i * step);
    return {shape: packed.shape, values};
  }

  // ---- Numbers as text ----
  // At most three decimals, or three digits where a number is tiny or huge; a true minus sign
  function number(x, decimals = 3) {
    if (!Number.isFinite(x)) return String(x).replace('-', '−');
    const size = Math.abs(x), plain = size === 0 || (size >= 0.5 * 10 ** -decimals && size < 1e5);
    const text = plain ? String(Number(x.toFixed(decimals))) : x.toExponential(2);
    return text.replace(/-/g, '−').replace(/^−0$/, '0');
  }

  // ---- Colours: lightness alone tells the order, so that greyscale and any colour vision keep it ----
  // Dark blue is low, grey the middle, yellow high: the path of cividis (Nuñez and others, 2018)
  const PATH = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];
  function along(path, t) {  // [r, g, b] at 0 <= t <= 1
    const at = Math.min(Math.max(t, 0), 1) * (path.length - 1), i = Math.min(Math.floor(at), path.length - 2), f = at - i;
    return path[i].map((v, k) => Math.round(v + f * (path[i + 1][k] - v)));
  }
  const GREY = [[0, 0, 0], [255, 255, 255]];
  // A scale takes a value and gives [r, g, b]
  const scales = {
    grey: (low, high) => v => along(GREY, (v - low) / (high - low || 1)),              // an image: dark to bright
    signed: top => v => along(PATH, 0.5 + 0.5 * v / (top || 1)),                      // grey is 0
    positive: top => v => along(PATH, v / (top || 1)),                                // dark is 0
  };
  const css = rgb => `rgb(${rgb.join(', ')})`;
  function lightness(rgb) {  // relative luminance, 0 to 1 (WCAG 2)
    const [r, g, b] = rgb.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  const inkOn = rgb => lightness(rgb) > 0.179 ? '#000000' : '#ffffff';  // the better of the two: at least 4.5 to 1
  const top = values => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  // What a style sheet says now: colour('--ink')
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // ---- A grid of numbers on a canvas ----
  // The canvas keeps the size that the style sheet gives it; its pixels follow those of the screen
  function prepare(canvas) {
    const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
    const ctx = canvas.getContext('2d');
    ctx.setTransform(canvas.width / (box.width || 1), 0, 0, canvas.height / (box.height || 1), 0, 0);
    return {ctx, width: box.width, height: box.height};
  }
  // values: rows * cols numbers, row by row; scale: see above. `numbers` writes them into cells that are wide enough,
  // `lines` draws the grid. Gives {ctx, width, height, box(r, c, h = 1, w = 1)} to draw more on it.
  function drawMap(canvas, values, rows, cols, {scale, numbers = false, lines = false, decimals = 1} = {}) {
    const p = prepare(canvas), dx = p.width / cols, dy = p.height / rows, {ctx} = p;
    const box = (r, c, h = 1, w = 1) => [c * dx, r * dy, w * dx, h * dy];
    ctx.textAlign = 'center'; ctx.textBaseline = 'middle';
    ctx.font = `${Math.min(dy * 0.45, dx * 0.34, 15)}px system-ui, sans-serif`;
    for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) {
      const v = values[r * cols + c], rgb = scale(v), [x, y, w, h] = box(r, c);
      ctx.fillStyle = css(rgb);
      ctx.fillRect(x, y, w + 0.5, h + 0.5);  // half a pixel over the seam, which would shimmer
      if (numbers && dx >= 24) { ctx.fillStyle = inkOn(rgb); ctx.fillText(number(v, decimals), x + w / 2, y + h / 2); }
    }
    if (lines) {
      ctx.strokeStyle = colour('--line'); ctx.lineWidth = 1; ctx.beginPath();
      for (let c = 1; c < cols; c++) { ctx.moveTo(c * dx, 0); ctx.lineTo(c * dx, p.height); }
      for (let r = 1; r < rows; r++) { ctx.moveTo(0, r * dy); ctx.lineTo(p.width, r * dy); }
      ctx.stroke();
    }
    return {...p, box};
  }
  // A frame that shows on dark and on bright cells: dark line, bright line, dashes where asked
  function outline(ctx, [x, y, w, h], {dash = [], width = 2} = {}) {
    for (const [style, line] of [['#000000', width + 2], ['#ffffff', width]]) {
      ctx.strokeStyle = style; ctx.lineWidth = line; ctx.setLineDash(style === '#ffffff' ? dash : []);
      ctx.strokeRect(x + 2, y + 2, w - 4, h - 4);
    }
    ctx.setLineDash([]);
  }

  // ---- A cell of a canvas by mouse, finger and keyboard ----
  // size(): [rows, cols] as they are now; moved(r, c): the cell is another; act(r, c, first): space, Enter, a press, or
  // a drag with the button down (then `first` is false); says(r, c): a sentence for a screen reader.
  // hover: does the mouse choose without a press? pace(r): cells that an arrow to the side goes. Gives {at, go(r, c)}.
  const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
  function roving(canvas, {label, size, moved, act = () => {}, says = () => '', hover = true, pace = () => 1}) {
    const state = {at: [0, 0]};
    let down = false;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-roledescription', 'grid, arrow keys move');
    if (label) canvas.setAttribute('aria-label', label);
    state.go = (r, c) => {
      const [rows, cols] = size();
      r = Math.min(Math.max(r, 0), rows - 1); c = Math.min(Math.max(c, 0), cols - 1);
      const other = r !== state.at[0] || c !== state.at[1];
      state.at = [r, c];
      if (other) moved(r, c);
      return other;
    };
    const cell = e => {
      const box = canvas.getBoundingClientRect(), [rows, cols] = size();
      return [Math.floor((e.clientY - box.top) / box.height * rows), Math.floor((e.clientX - box.left) / box.width * cols)];
    };
    canvas.addEventListener('keydown', e => {
      const [rows, cols] = size(), [r, c] = state.at, step = STEPS[e.key];
      const to = step ? [r + step[0], c + step[1] * pace(r)] : e.key === 'Home' ? [r, 0] : e.key === 'End' ? [r, cols - 1]
        : e.key === 'PageUp' ? [0, c] : e.key === 'PageDown' ? [rows - 1, c] : null;
      if (to) state.go(...to);
      else if (e.key === ' ' || e.key === 'Enter') act(...state.at, true);
      else return;
      e.preventDefault();
      say(says(...state.at));
    });
    canvas.addEventListener('pointerdown', e => {
      if (e.button) return;
      down = true;
      canvas.setPointerCapture(e.pointerId);
      state.go(...cell(e)); act(...state.at, true);
    });
    canvas.addEventListener('pointermove', e => {
      if (down) { if (state.go(...cell(e))) act(...state.at, false); }
      else if (hover && e.pointerType === 'mouse') state.go(...cell(e));
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) canvas.addEventListener(end, () => { down = false; });
    return state;
  }

  // ---- Words for a screen reader, at most one sentence in a while ----
  let waiting = null;
  function say(text) {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if ($('live')) $('live').textContent = text; }, 120);
  }

  // ---- When the page has to be drawn again: other width, other colours ----
  function whenLooksChange(redraw) {
    let asked = false;
    const soon = () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; redraw(); }); } };
    window.addEventListener('resize', soon);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', soon);
    if ($('theme')) { setTheme($('theme')); $('theme').addEventListener('change', soon); }
    return soon;
  }

  // How long the page took, in milliseconds, for whoever measures it: Kit.times
  const times = [];
  function timed(work) {
    const start = performance.now();
    work();
    times.push(performance.now() - start);
  }

  return {$, read, half, unpack, number, scales, along, css, lightness, inkOn, top, colour, prepare, drawMap, outline, roving, say, whenLooksChange, timed, times};
})();
