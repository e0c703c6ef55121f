// What the reader chose, kept in the address so that a link shows the same. Sections say which
// choices they depend on, and are drawn again when one of those changes.
const DEFAULTS = {
  at: "",
  q: ANY, family: ANY, level: ANY, dtype: ANY, peer: ANY, verdict: ANY,
  sort: "ratio", order: "ascending", page: "1",
  mapfamily: ANY, maplevel: ANY, mapthreads: ANY, mapcases: ANY, mappeer: BEST,
  roof: ANY, without: "", scale: ANY,
};

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const known = [...given].filter(([name]) => name in DEFAULTS);
  // A plain "#cells" names a section.
  const bare = location.hash.includes("=") ? {} : { at: location.hash.slice(1) };
  return { ...DEFAULTS, ...Object.fromEntries(known), ...bare };
}

let state = readAddress();
const watchers = [];

function writeAddress() {
  const changed = Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name]);
  const hash = new URLSearchParams(changed).toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

// Draws now, and again whenever one of `names` changes.
function watch(names, draw) {
  watchers.push({ names, draw });
  draw();
}

function become(next) {
  const changed = new Set(Object.keys(next).filter((name) => next[name] !== state[name]));
  state = next;
  for (const { names, draw } of watchers) if (names.some((name) => changed.has(name))) draw();
}

function choose(changes) {
  become({ ...state, ...changes });
  writeAddress();
}

const chooses = (select, name, also = {}) =>
  select.addEventListener("change", () => choose({ [name]: select.value, ...also }));

function showSection(id) {
  const section = at(id);
  if (!section) return;
  section.scrollIntoView();
  section.focus({ preventScroll: true });
}

// Goes to the rows that a filter leaves.
function showRows(filter) {
  const table = ["q", "family", "level", "dtype", "peer", "verdict", "sort", "order", "page"];
  const clean = Object.fromEntries(table.map((name) => [name, DEFAULTS[name]]));
  choose({ ...clean, ...filter, at: "cells" });
  showSection("cells");
}

window.addEventListener("hashchange", () => {
  become(readAddress());
  showSection(state.at);
});

for (const link of document.querySelectorAll('a[href^="#"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose({ at: link.hash.slice(1) });
    showSection(state.at);
  });
}
