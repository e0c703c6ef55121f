// The box beside a heat map or a roofline: everything about one cell. What has the focus stays
// there; what the pointer is over shows while it is.
function peerRow(name, comparison, chosen) {
  return h("tr", { class: name === chosen && "chosen" },
    h("th", { scope: "row" }, name),
    h("td", {}, mark(comparison)),
    h("td", {}, timeText(comparison.peer.least)),
    h("td", {}, spreadText(comparison)),
    h("td", { class: "number" }, percent(comparison.noise)));
}

function peerTable(cell, chosen) {
  const names = ["peer", "ratio", "time", "spread", "noise"];
  return h("table", {},
    h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, Object.entries(cell.peers).map(([name, one]) => peerRow(name, one, chosen))));
}

function described(pairs) {
  const told = pairs.filter(([, text]) => text);
  return h("dl", {}, told.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
}

function limitText(cell) {
  if (!cell.limit) return "";
  const { ns, by, estimate } = cell.limit;
  return `${fractionText(cell)} of ${timeText(ns)}, by ${by}${estimate ? " (estimate)" : ""}`;
}

function copyButton(command) {
  return h("div", { class: "run" },
    h("code", {}, command),
    h("button", { type: "button", onclick: () => copied(command) }, "Copy"));
}

function detail(index, chosen) {
  const cell = CELLS[index];
  const types = cell.source && `${cell.source} to ${cell.destination || "itself"}`;
  const left = Object.entries(cell.left_out).map(([name, why]) => `${name}: ${why}`).join("; ");
  return [
    h("h3", {}, cell.case),
    described([
      ["types", types],
      ["where", `${levelText(cell.level)}, ${threadsText(cell.threads)}`],
      ["items", cell.items ? cell.items.toLocaleString("en") : ""],
      ["ours", cell.ours ? bothTimes(cell.ours) : ""],
      ["limit", limitText(cell)],
      ["not done", cell.unable],
      ["failed", cell.failed],
    ]),
    Object.keys(cell.peers).length ? peerTable(cell, chosen) : null,
    left ? h("p", { class: "soft" }, `Left out: ${left}`) : null,
    copyButton(DATA.cells[index].rerun),
  ];
}

// `box` shows what is pinned, or what a preview asks for until it ends. `draw` makes the nodes.
function detailBox(box, hint, draw) {
  let pinned = null;
  const show = (what) =>
    box.replaceChildren(...(what === null ? [h("p", { class: "soft" }, hint)] : draw(what).filter(Boolean)));
  show(null);
  return {
    pin(what) {
      pinned = what;
      show(what);
    },
    preview: show,
    back: () => show(pinned),
    pinned: () => pinned,
  };
}
