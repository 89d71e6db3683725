"use strict";
// The table of turns and the timeline of one: everything else on the page is there without this.
(async () => {
  const PAGE = 50;
  const find = (id) => document.getElementById(id);
  const data = await load(find("data"));
  const text = (number) => (number < 0 ? "" : data.texts[number]);
  const safe = (said) => String(said).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const ms = (units) => {
    const value = units / 10;
    return (Math.abs(value) >= 99.95 ? value.toFixed(0) : value.toFixed(1)).replace("-", "−");
  };
  const turns = data.turns.map(([session, index, kind, said, fate, began, metrics, gap, steps, shape], place) => ({
    place, session: text(session), index, kind: text(kind), said: text(said), fate: text(fate), began, metrics, gap,
    get spans() { return spansOf(steps, data.shapes[shape], said); },
  }));
  const name = (turn) => `${turn.session}, turn ${turn.index}`;

  // Each as lane, name, start, how long it lasted (-1: a moment), detail.
  function spansOf(steps, shape, said) {
    let at = 0;
    const times = steps.map((step) => (at += step));
    return shape.map(([lane, what, start, stop, detail]) =>
      [lane, what, times[start], stop < 0 ? -1 : times[stop] - times[start], detail === -2 ? said : detail]);
  }

  async function load(element) {
    if (element.type === "application/json") return JSON.parse(element.textContent);
    const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(unpacked).text());
  }

  // --- the table
  const columns = [
    { head: "turn", of: (turn) => turn.place },
    { head: "began (s)", of: (turn) => turn.began, number: true, show: (turn) => (turn.began / 10000).toFixed(1) },
    { head: "kind", of: (turn) => turn.kind },
    { head: "what became of it", of: (turn) => turn.fate },
    ...data.metrics.map((head, at) => ({
      head, number: true, of: (turn) => turn.metrics[at],
      show: (turn) => (turn.metrics[at] === null ? "–" : ms(turn.metrics[at])),
    })),
    { head: "the user said", of: (turn) => turn.said, said: true },
  ].filter((column) => turns.some((turn) => column.of(turn) !== null));
  const state = { column: columns[0], down: false, which: "all", from: 0, listed: turns };
  const fates = [...new Set(turns.map((turn) => turn.fate))].sort();
  find("which").innerHTML = ["all", ...fates]
    .map((fate) => `<option value="${safe(fate)}">${safe(fate)} (${fate === "all" ? turns.length : turns.filter((turn) => turn.fate === fate).length})</option>`).join("");

  function list() {
    const { column, down, which } = state;
    const order = (a, b) => {
      const [x, y] = [column.of(a), column.of(b)];
      if (x === y) return a.place - b.place;
      if (x === null || y === null) return x === null ? 1 : -1; // nothing known: last, whichever way it is sorted
      return (x < y ? -1 : 1) * (down ? -1 : 1);
    };
    state.listed = turns.filter((turn) => which === "all" || turn.fate === which).sort(order);
  }

  function table() {
    const { from, listed } = state;
    const head = columns.map((column, at) => {
      const sorted = column === state.column ? (state.down ? "descending" : "ascending") : "none";
      const arrow = sorted === "none" ? "" : state.down ? " ▼" : " ▲";
      return `<th scope="col" aria-sort="${sorted}"${column.number ? ' class="n"' : ""}><button type="button" data-column="${at}">${safe(column.head).replace(/_/g, "_<wbr>")}${arrow}</button></th>`;
    });
    const rows = listed.slice(from, from + PAGE).map((turn) => {
      const cells = columns.slice(1).map((column) => {
        const kind = column.number ? ' class="n"' : column.said ? ' class="said"' : "";
        return `<td${kind}>${safe(column.show ? column.show(turn) : column.of(turn))}</td>`;
      });
      return `<tr><th scope="row"><button type="button" class="link" data-turn="${turn.place}">${safe(name(turn))}</button></th>${cells.join("")}</tr>`;
    });
    find("turns").innerHTML = `<thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody>`;
    find("shown").textContent = listed.length ? `${from + 1} to ${Math.min(from + PAGE, listed.length)} of ${listed.length}` : "none";
    find("earlier").disabled = from === 0;
    find("later").disabled = from + PAGE >= listed.length;
  }

  find("which").addEventListener("change", (event) => { state.which = event.target.value; state.from = 0; list(); table(); });
  find("earlier").addEventListener("click", () => { state.from = Math.max(0, state.from - PAGE); table(); });
  find("later").addEventListener("click", () => { state.from += PAGE; table(); });
  find("turns").addEventListener("click", (event) => {
    const button = event.target.closest("button[data-column]");
    if (!button) return;
    const at = Number(button.dataset.column);
    state.down = state.column === columns[at] && !state.down;
    state.column = columns[at];
    state.from = 0;
    list();
    table();
    find("turns").querySelector(`button[data-column="${at}"]`).focus();
  });

  // --- the timeline of one turn
  const dialog = find("dialog");
  let open = null;

  function show(place) {
    open = { ...turns[place] }; // its spans are unpacked here, once
    const facts = data.metrics.map((metric, at) => [metric, open.metrics[at]]).filter(([, value]) => value !== null);
    const figures = facts.map(([metric, value]) => `<div><dt>${safe(metric)}</dt><dd>${ms(value)} ms</dd></div>`).join("");
    find("dialog-title").textContent = `${name(open)}: ${open.fate}`;
    const said = open.said ? `<p><q>${safe(open.said)}</q></p>` : "";
    find("dialog-body").innerHTML = `${said}<dl class="facts">${figures}</dl><div id="drawing"></div>${listing()}`;
    const listed = state.listed.indexOf(turns[open.place]);
    find("dialog-previous").disabled = listed <= 0;
    find("dialog-next").disabled = listed < 0 || listed + 1 >= state.listed.length;
    const opening = !dialog.open;
    if (opening) dialog.showModal();
    if (opening || document.activeElement.disabled) find("dialog-title").focus(); // a disabled button takes no keys
    dialog.scrollTop = 0;
    draw();
    history.replaceState(null, "", `#turn=${encodeURIComponent(`${open.session}/${open.index}`)}`);
  }

  function step(by) {
    const at = state.listed.indexOf(turns[open.place]) + by;
    if (state.listed[at]) show(state.listed[at].place);
  }

  function listing() {
    const rows = [...open.spans].sort((a, b) => a[2] - b[2]).map(([lane, what, start, lasts, detail]) =>
      `<tr><td class="n">${ms(start)}</td><td>${data.lanes[lane]}</td><th scope="row">${safe(text(what))}</th><td class="n">${lasts < 0 ? "–" : ms(lasts)}</td><td class="said">${safe(text(detail))}</td></tr>`);
    return `<div class="scroll"><table><caption>Everything in order, in milliseconds since the turn began</caption><thead><tr><th scope="col" class="n">at</th><th scope="col">lane</th><th scope="col">what</th><th scope="col" class="n">lasted</th><th scope="col">more</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
  }

  // Spans of one lane that overlap go into rows of their own, and so does a label that has no room.
  function rows(spans, x, width, measure) {
    const found = [];
    for (const span of [...spans].sort((a, b) => a[2] - b[2])) {
      const [, what, start, lasts] = span;
      const from = x(start), to = lasts < 0 ? from : Math.max(x(start + lasts), from + 2);
      const label = text(what), long = measure(label);
      const inside = to - from > long + 8;
      const after = to + 6 + long < width;
      const at = inside ? from + 4 : after ? to + 6 : Math.max(0, from - 6 - long);
      const left = Math.min(from, at) - 2, right = Math.max(to, at + long) + 6;
      let row = found.findIndex((taken) => taken.every(([a, b]) => right <= a || left >= b));
      if (row < 0) row = found.push([]) - 1;
      found[row].push([left, right]);
      span.drawn = { row, from, to, label, at, inside };
    }
    return found.length;
  }

  function draw() {
    const target = find("drawing");
    if (!open || !target) return;
    const width = Math.max(300, target.clientWidth), narrow = width < 640;
    const gutter = narrow ? 0 : 76, row = 22, head = narrow ? 18 : 0;
    const first = Math.min(0, ...open.spans.map((span) => span[2]));
    const last = Math.max(1, ...open.spans.map((span) => span[2] + Math.max(0, span[3])));
    const x = (units) => gutter + 6 + ((units - first) / (last - first)) * (width - gutter - 14);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const measure = (label) => pen.measureText(label).width;
    const bands = [], rules = [], parts = [];
    let top = 26;
    data.lanes.forEach((lane, at) => {
      const spans = open.spans.filter((span) => span[0] === at);
      const high = head + Math.max(1, rows(spans, x, width, measure)) * row + 8;
      if (at % 2 === 0) bands.push(`<rect class="band" x="0" y="${top}" width="${width}" height="${high}"/>`);
      parts.push(`<text class="dim" x="4" y="${top + (narrow ? 14 : 18)}">${lane}</text>`);
      for (const span of spans) {
        const { row: line, from, to, label, at: labelAt, inside } = span.drawn;
        const y = top + head + 4 + line * row;
        const title = `<title>${safe(label)}: ${ms(span[2])} ms${span[3] < 0 ? "" : `, lasts ${ms(span[3])} ms`}${span[4] < 0 ? "" : ` (${safe(text(span[4]))})`}</title>`;
        parts.push(span[3] < 0
          ? `<g>${title}<path class="mark lane${at}" d="M${from} ${y}V${y + row - 6}"/></g>`
          : `<g>${title}<rect class="span lane${at}" x="${from}" y="${y}" width="${to - from}" height="${row - 6}" rx="2"/></g>`);
        parts.push(`<text${inside ? "" : ' class="out"'} x="${labelAt}" y="${y + 12}">${safe(label)}</text>`);
      }
      top += high;
    });
    const step = tick((last - first) / 10 / (narrow ? 4 : 9));
        for (let at = Math.ceil(first / 10 / step) * step; at * 10 <= last; at += step) {
      const place = x(at * 10);
      rules.push(`<path class="rule" d="M${place} 20V${top}"/>`);
      if (place < width - 30) rules.push(`<text class="dim" x="${place}" y="14" text-anchor="${place < gutter + 20 ? "start" : "middle"}">${at} ms</text>`);
    }
    if (open.gap) {
      const [from, to] = open.gap.map(x), y = top + 14;
      const words = `gap ${ms(open.gap[1] - open.gap[0])} ms`;
      const middle = Math.min(Math.max((from + to) / 2, gutter + measure(words) / 2 + 4), width - measure(words) / 2 - 4);
      rules.push(`<path class="gap" d="M${from} 20V${y}H${to}V20" fill="none"/><text x="${middle}" y="${y + 15}" text-anchor="middle">${words}</text>`);
      top += 36;
    }
    target.innerHTML = `<svg class="timeline" role="img" aria-label="Timeline of ${safe(name(open))}; the table below says the same" viewBox="0 0 ${width} ${top}" height="${top}">${[...bands, ...rules, ...parts].join("")}</svg>`;
  }

  // 1, 2 or 5 times a power of ten, in milliseconds
  function tick(least) {
    const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
    return [1, 2, 5, 10].map((by) => by * power).find((size) => size >= least);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-turn]");
    if (button) show(Number(button.dataset.turn));
  });
  find("dialog-previous").addEventListener("click", () => step(-1));
  find("dialog-next").addEventListener("click", () => step(1));
  find("dialog-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  window.addEventListener("resize", draw);

  table();
  const linked = decodeURIComponent((/^#turn=(.+)$/.exec(location.hash) || [])[1] || "");
  const wanted = turns.find((turn) => `${turn.session}/${turn.index}` === linked);
  if (wanted) show(wanted.place);
})();
