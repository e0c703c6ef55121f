// The table of all cells and peers: filtered, sorted, and shown a hundred rows at a time, so that
// twenty thousand are as quick as twenty.
const PAGE = 100;

function row(index, peer, verdict, reason) {
  const cell = CELLS[index];
  const one = cell.peers[peer];
  return {
    index, cell, peer, verdict, reason, comparison: one,
    text: [cell.case, familyText(cell.family), peer, verdict, reason].join(" ").toLowerCase(),
  };
}

function rowsOf(cell, index) {
  if (cell.failed) return [row(index, "", "failed", cell.failed)];
  if (cell.unable) return [row(index, "", "not done", cell.unable)];
  const rows = [
    ...Object.entries(cell.peers).map(([peer, one]) => row(index, peer, one.verdict, "")),
    ...Object.entries(cell.left_out).map(([peer, why]) => row(index, peer, "left out", why)),
  ];
  return rows.length ? rows : [row(index, "", "no peer", "")];
}

const ROWS = CELLS.flatMap(rowsOf);

// A tie sorts as 1, which is what it says; what has no figure comes last.
const ratioOf = ({ comparison, verdict }) =>
  !comparison || verdict === "noisy" ? null : verdict === "tie" ? 1 : comparison.ratio;

// Name, title, the value that sorts, and what the cell shows.
const COLUMNS = [
  { name: "case", key: (r) => r.cell.case },
  { name: "peer", key: (r) => r.peer },
  { name: "ratio", key: ratioOf, show: (r) => (r.comparison ? mark(r.comparison) : "–") },
  { name: "verdict", key: (r) => VERDICTS.indexOf(r.verdict), show: (r) => r.verdict },
  { name: "ours", key: (r) => (r.comparison?.ours ?? r.cell.ours)?.least ?? null,
    show: (r) => timeText((r.comparison?.ours ?? r.cell.ours)?.least), number: true },
  { name: "theirs", key: (r) => r.comparison?.peer.least ?? null,
    show: (r) => timeText(r.comparison?.peer.least), number: true },
  { name: "spread", key: (r) => (r.comparison && r.verdict !== "noisy" ? r.comparison.spread[0] : null),
    show: (r) => (r.comparison ? spreadText(r.comparison) : "–"), number: true },
  { name: "noise", key: (r) => r.comparison?.noise ?? null, show: (r) => percent(r.comparison?.noise), number: true },
  { name: "of limit", key: (r) => r.cell.fraction, show: (r) => fractionText(r.cell), number: true },
  { name: "source", key: (r) => r.cell.source },
  { name: "destination", key: (r) => r.cell.destination },
  { name: "level", key: (r) => r.cell.level },
  { name: "threads", key: (r) => r.cell.threads, number: true },
  { name: "family", key: (r) => familyText(r.cell.family) },
  { name: "reason", key: (r) => r.reason },
  { name: "again", title: "command", key: (r) => DATA.cells[r.index].rerun, show: commandButton },
];

function commandButton({ index }) {
  const command = DATA.cells[index].rerun;
  return h("button", { type: "button", class: "command", "aria-label": `Copy: ${command}`,
    title: "Copy this command", onclick: () => copied(command) }, command);
}

const has = {
  family: (r, wanted) => r.cell.family === wanted,
  level: (r, wanted) => r.cell.level === wanted,
  dtype: (r, wanted) => r.cell.source === wanted || r.cell.destination === wanted,
  peer: (r, wanted) => r.peer === wanted,
  verdict: (r, wanted) => r.verdict === wanted,
};

function filtered() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const tests = Object.keys(has).filter((name) => state[name] !== ANY);
  return ROWS.filter((r) =>
    tests.every((name) => has[name](r, state[name])) && words.every((word) => r.text.includes(word)));
}

function compared(a, b) {
  return typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
}

function sorted(rows) {
  const { key } = COLUMNS.find(({ name }) => name === state.sort) || COLUMNS[0];
  const sign = state.order === "descending" ? -1 : 1;
  const lacks = (value) => value === null || value === "";
  return rows.map((r) => [key(r), r]).sort(([a, r], [b, q]) =>
    lacks(a) - lacks(b) || (lacks(a) ? 0 : sign * compared(a, b)) || r.index - q.index,
  ).map(([, r]) => r);
}

function tableRow(r) {
  return h("tr", {}, COLUMNS.map(({ name, show, key, number }, i) =>
    h(i ? "td" : "th", { scope: i ? null : "row", class: number ? "number" : name === "reason" && "reason" },
      show ? show(r) : String(key(r) || "–"))));
}

function sortBy(name) {
  const turned = state.sort === name && state.order === "ascending";
  choose({ sort: name, order: turned ? "descending" : "ascending", page: "1" });
}

function headNode({ name, title, number }) {
  return h("th", { scope: "col", class: number && "number", "data-name": name },
    h("button", { type: "button", onclick: () => sortBy(name) }, title || name));
}

const TABLE = at("rows");
const BODY = h("tbody", {});
TABLE.append(h("thead", {}, h("tr", {}, COLUMNS.map(headNode))), BODY);

function showCount(rows, first, shown) {
  const range = rows ? `, ${(first + 1).toLocaleString("en")}–${(first + shown).toLocaleString("en")} shown` : "";
  at("row-count").textContent = `${rows.toLocaleString("en")} of ${ROWS.length.toLocaleString("en")} rows${range}`;
}

function drawRows() {
  const rows = sorted(filtered());
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number(state.page) || 1));
  const first = (page - 1) * PAGE;
  const shown = rows.slice(first, first + PAGE);
  BODY.replaceChildren(...shown.map(tableRow));
  for (const head of TABLE.tHead.rows[0].cells) {
    if (head.dataset.name === state.sort) head.setAttribute("aria-sort", state.order);
    else head.removeAttribute("aria-sort");
  }
  showCount(rows.length, first, shown.length);
  at("page-back").disabled = page === 1;
  at("page-on").disabled = page === pages;
  at("page-back").onclick = () => turn(page - 1, "page-on");
  at("page-on").onclick = () => turn(page + 1, "page-back");
}

// At the ends a button is of no more use, and the focus goes to the other one.
function turn(page, other) {
  const button = document.activeElement;
  choose({ page: String(page) });
  if (button.disabled) at(other).focus();
  TABLE.closest(".scroll").scrollTop = 0;
}

const FILTERS = {
  family: () => unique(CELLS.map((cell) => cell.family)).map((name) => [name, familyText(name)]),
  level: () => unique(CELLS.map((cell) => cell.level)).filter(Boolean).map((name) => [name, name]),
  dtype: () => unique(CELLS.flatMap((cell) => [cell.source, cell.destination])).filter(Boolean).map((name) => [name, name]),
  peer: () => unique(ROWS.map((r) => r.peer)).filter(Boolean).map((name) => [name, name]),
  verdict: () => VERDICTS.filter((name) => ROWS.some((r) => r.verdict === name)).map((name) => [name, name]),
};

for (const [name, options] of Object.entries(FILTERS)) {
  setOptions(at(`filter-${name}`), [[ANY, "all"], ...options()], ANY);
  chooses(at(`filter-${name}`), name, { page: "1" });
}

function showFilters() {
  for (const name of Object.keys(FILTERS)) at(`filter-${name}`).value = state[name];
  if (at("filter-q").value !== state.q) at("filter-q").value = state.q;
}

let typing = 0;
at("filter-q").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => choose({ q: event.target.value, page: "1" }), 120);
});
at("filter-reset").addEventListener("click", () => {
  const clean = ["q", ...Object.keys(FILTERS)].map((name) => [name, ANY]);
  choose({ ...Object.fromEntries(clean), page: "1" });
});

const SHOWN_BY = ["q", "family", "level", "dtype", "peer", "verdict"];
watch(SHOWN_BY, showFilters);
watch([...SHOWN_BY, "sort", "order", "page"], drawRows);
if (state.at) showSection(state.at);
