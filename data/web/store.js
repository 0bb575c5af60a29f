// What a page remembers. A sandboxed frame has no storage of its own: there it remembers until it is closed.
'use strict';
function makeStore(key) {
  let works = false;
  try { localStorage.setItem(key + '.try', '1'); localStorage.removeItem(key + '.try'); works = true; } catch (e) { /* not allowed here */ }
  return {
    works,
    read() {
      if (!works) return null;
      try { return JSON.parse(localStorage.getItem(key)); } catch (e) { return null; }  // not JSON: begin anew
    },
    write(value) {
      if (!works) return;
      try { localStorage.setItem(key, JSON.stringify(value)); } catch (e) { /* full: go on without */ }
    },
  };
}

function setTheme(select) {
  select.addEventListener('change', () => {
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
  });
}

// An element: make('li', {class: 'a'}, 'text', other). Text is text; `html` is markup that this course's own build made.
function make(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) {
    if (k === 'html') e.innerHTML = v;
    else if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, '');
    else if (v !== false && v != null) e.setAttribute(k, v);
  }
  e.append(...children);
  return e;
}
