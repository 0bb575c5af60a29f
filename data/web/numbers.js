'use strict';
// A number as people write it, by the same rule as course_labs.teaching.arithmetic.read_number, where it is written down.
const NUMBER_GAP = /[ \t\r\n\u00a0\u2009\u202f]+/g;
const ONE_COMMA = /^[-+]?[1-9][0-9]{0,2},[0-9]{3}(?:e[-+]?[0-9]+)?$/i;
const trimmed = text => text.replace(/^ +| +$/g, '');
const evenNumber = text => trimmed(text.replace(NUMBER_GAP, ' ')).replace(/\u2212/g, '-');
const numberParts = text => trimmed(evenNumber(text).replace(/%$/, '')).replace(/^([-+]) /, '$1').replace(/ ?\/ ?/g, '/').split('/');

// whole: is a whole number asked for? percent: is it a percentage? null where it is no number, or one that askBack asks about
function readNumber(text, whole = true, percent = true) {
  const power = '(?:e[-+]?[0-9]+)?';
  const commas = new RegExp(`^[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\\.[0-9]*)?${power}$`, 'i');
  const gaps = new RegExp(`^[-+]?[1-9][0-9]{0,2}(?: [0-9]{3})+(?:[.,][0-9]*)?${power}$`, 'i');
  const decimal = new RegExp(`^[-+]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)${power}$`, 'i');
  const plain = o => {
    if (commas.test(o)) o = o.replace(/,/g, '');
    if (gaps.test(o)) o = o.replace(/ /g, '');
    return decimal.test(o) ? Number(o.replace(',', '.')) : null;
  };
  const parts = numberParts(text);
  if (!percent && evenNumber(text).endsWith('%')) return null;
  if (!whole && parts.some(o => ONE_COMMA.test(o))) return null;
  let value;
  const mixed = parts.join('/').match(/^([-+]?)([0-9]+) ([0-9]+)\/([0-9]+)$/);
  if (mixed && Number(mixed[3]) < Number(mixed[4])) {
    value = (mixed[1] === '-' ? -1 : 1) * (Number(mixed[2]) + mixed[3] / mixed[4]);
  } else {
    const rows = parts.map(plain);
    if (rows.includes(null) || rows.length > 2 || rows[1] === 0) return null;
    value = rows.length === 2 ? rows[0] / rows[1] : rows[0];
  }
  return Number.isFinite(value) ? value : null;
}

// What to ask somebody whose number is none, or can be read in two ways; empty where it was read
function askBack(text, whole = true, percent = true) {
  if (readNumber(text, whole, percent) !== null) return '';
  const typed = evenNumber(text), meant = readNumber(text);
  if (meant === null) return 'Enter a number first, such as 0.25, 2e-3 or 1/4.';
  if (!whole && numberParts(text).some(o => ONE_COMMA.test(o))) {
    return `${typed} can be read as ${typed.replace(/,/g, '')} and as ${typed.replace(/,/g, '.')}: enter the one that you mean.`;
  }
  return `${typed} is ${Number((meant / 100).toPrecision(5))}: enter it like this, without the percent sign.`;
}
