'use strict';
// Settings as text: `show(noise=10, hidden=[4, 2])` read and written, and checked against the same table as in Python.
// `train(40, noise=10)` is read as well: what a notebook trains can be looked at here.
const Settings = (() => {
  const fail = text => { throw new RangeError(text); };

  // ---- Reading Python literals ----
  // A value keeps its source text, because 10 and 10.0 differ for a whole number and errors quote what was written
  function parse(text) {
    const call = /^\s*(?:[A-Za-z_]\w*\s*=\s*)?(?:[A-Za-z_]\w*\s*\.\s*)*(show|train)\s*\(([\s\S]*)\)\s*;?\s*$/.exec(text);
    if (!call) fail('expected one line of the form show(name=value, ...)');
    const epochs = call[1] === 'train' ? /^\s*(?:epochs\s*=\s*)?\d+\s*(?:,|$)/.exec(call[2]) ?? fail('expected a number of epochs first: train(40, name=value, ...)') : [''];
    let src = call[2].slice(epochs[0].length), at = 0;
    const space = () => { while (/\s/.test(src[at] ?? '')) at++; };
    const here = () => src.slice(at, at + 12).trim() || 'the end';
    const take = re => { re.lastIndex = at; const m = re.exec(src); if (m) at = re.lastIndex; return m; };
    function value() {
      space();
      const start = at, done = v => ({value: v, text: src.slice(start, at)});
      let m;
      if ((m = take(/'([^'\\\n]*)'|"([^"\\\n]*)"/y))) return done(m[1] ?? m[2]);
      if ((m = take(/[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y))) return {...done(Number(m[0])), whole: /^[+-]?\d+$/.test(m[0])};
      if ((m = take(/(?:True|False|None)\b/y))) return done({True: true, False: false, None: null}[m[0]]);
      if ((m = take(/[[(]/y))) {
        const close = m[0] === '[' ? ']' : ')', items = [];
        for (space(); src[at] !== close; space()) {
          items.push(value());
          space();
          if (src[at] === ',') at++;
          else if (src[at] !== close) fail(`expected , or ${close} before ${here()}`);
        }
        at++;
        return done(items);
      }
      return fail(`expected a value before ${here()}`);
    }
    const out = Object.create(null);  // A name such as __proto__ is then a name like any other
    for (space(); at < src.length; space()) {
      const name = take(/[A-Za-z_]\w*/y) ?? fail(`expected name=value before ${here()}`);
      space();
      if (src[at] !== '=') fail(`expected = after ${name[0]}`);
      at++;
      if (Object.hasOwn(out, name[0])) fail(`${name[0]} is given twice`);
      out[name[0]] = value();
      space();
      if (src[at] === ',') at++;
      else if (at < src.length) fail(`expected , before ${here()}`);
    }
    return out;
  }
  // Values that come from the page's own controls, in the same form
  const wrap = v => Array.isArray(v) ? {value: v.map(wrap), text: write(v)} : {value: v, text: write(v), whole: Number.isInteger(v)};

  const bare = v => Array.isArray(v.value) ? v.value.map(bare) : v.value;

  // ---- Checking ----
  // `table` is what Python sends: name -> {kind, default, choices | low, high, says}
  function check(given, table) {
    const out = {};
    for (const [name, rule] of Object.entries(table)) out[name] = structuredClone(rule.default);
    for (const [name, v] of Object.entries(given)) {
      if (!Object.hasOwn(table, name)) fail(`there is no setting ${name}; there are: ${Object.keys(table).join(', ')}`);
      const rule = table[name], inside = x => typeof x.value === 'number' && x.value >= rule.low && x.value <= rule.high;
      const list = Array.isArray(v.value);
      const good = {
        choice: () => rule.choices.includes(v.value),
        int: () => inside(v) && v.whole,
        float: () => inside(v),
        bool: () => typeof v.value === 'boolean',
        features: () => list && v.value.length > 0 && v.value.every(x => rule.choices.includes(x.value)) && new Set(v.value.map(x => x.value)).size === v.value.length,
        points: () => list && v.value.length <= rule.most && v.value.every(p => Array.isArray(p.value) && p.value.length === 3 && p.value.slice(0, 2).every(inside) &&
          p.value[2].whole && p.value[2].value >= 0 && p.value[2].value < rule.classes),
        layers: () => list && v.value.length <= rule.most && v.value.every(x => inside(x) && x.whole),
      }[rule.kind]();
      if (!good) fail(`${name}=${v.text.slice(0, 200)}: ${rule.says}`);
      out[name] = bare(v);
    }
    out.features = table.features.choices.filter(f => out.features.includes(f));
    return out;
  }

  // ---- Writing ----
  function write(v) {
    if (typeof v === 'boolean') return v ? 'True' : 'False';
    if (Array.isArray(v)) return `[${v.map(write).join(', ')}]`;
    return typeof v === 'string' ? `'${v}'` : String(v);
  }
  function line(settings, table) {
    const changed = Object.keys(table).filter(k => write(settings[k]) !== write(table[k].default));
    return `show(${changed.map(k => `${k}=${write(settings[k])}`).join(', ')})`;
  }
  return {parse, wrap, check, write, line};
})();
