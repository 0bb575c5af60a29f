'use strict';
// A number as people write it, by the same rule as course_labs.teaching.arithmetic.read_number, where it is written down.
function readNumber(text) {
  const gap = '[ \\t\\r\\n\\u00a0\\u2009\\u202f]', power = '(?:e[-+]?[0-9]+)?';
  const commas = new RegExp(`^[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\\.[0-9]*)?${power}$`, 'i');
  const gaps = new RegExp(`^[-+]?[1-9][0-9]{0,2}(?: [0-9]{3})+(?:[.,][0-9]*)?${power}$`, 'i');
  const decimal = new RegExp(`^[-+]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)${power}$`, 'i');
  const trim = t => t.replace(/^ +| +$/g, '');
  let t = trim(text.replace(new RegExp(gap + '+', 'g'), ' ')).replace(/\u2212/g, '-');
  t = trim(t.replace(/%$/, '')).replace(/^([-+]) /, '$1').replace(/ ?\/ ?/g, '/');
  const plain = o => {
    if (commas.test(o)) o = o.replace(/,/g, '');
    if (gaps.test(o)) o = o.replace(/ /g, '');
    return decimal.test(o) ? Number(o.replace(',', '.')) : null;
  };
  let value;
  const mixed = t.match(/^([-+]?)([0-9]+) ([0-9]+)\/([0-9]+)$/);
  if (mixed && Number(mixed[3]) < Number(mixed[4])) {
    value = (mixed[1] === '-' ? -1 : 1) * (Number(mixed[2]) + mixed[3] / mixed[4]);
  } else {
    const parts = t.split('/').map(plain);
    if (parts.includes(null) || parts.length > 2 || parts[1] === 0) return null;
    value = parts.length === 2 ? parts[0] / parts[1] : parts[0];
  }
  return Number.isFinite(value) ? value : null;
}
