// What fills the middle of the page, by mode. A view is built once a mode and then told what is new.
import { fit, h, icon, put, say, symbol, text, ui, verdictWord } from "./dom.js";
import { axisOfTime, curveGroups, curvePlot, Needle, plot, spark, Tile } from "./draw.js";

const FIELDS = ["operator", "work_order", "serial_number", "imei", "product", "plan"];
const HINTS = { raise: "up", lower: "down", hold: "hand", done: "pass" };

export function modeOf(board) {
  const session = board.session;
  if (!session) return "idle";
  if (session.state === "tripped") return "trip";
  if (session.state === "prompt") return "prompt";
  if (session.state === "preparing" || session.state === "energised") return board.guide ? "guide" : "run";
  if (["PASS", "FAIL", "ABORTED", "ERROR", "cooling"].includes(session.state)) return "verdict";
  return "idle";
}

export const VIEWS = { idle, run, guide, prompt, verdict, trip };

// ---- waiting for scans ------------------------------------------------------------------------------------------
function idle() {
  const tiles = h("div", "scans"), below = h("div", "below");
  return {
    parts: [tiles, below],
    update(board, news) {
      const session = board.session;
      if (!session || !(news.has("session") || news.has("history"))) return;
      const next = session.missing[0];
      const asked = (name) => name !== "imei" || session.scans.imei || session.missing.includes("imei");
      const fields = FIELDS.filter(asked), crowded = fields.length > 5 && session.scans.work_order;
      put(tiles, ...fields.map((name) => {
        const value = session.scans[name], missing = session.missing.includes(name);
        const state = value ? "have" : name === next ? "next" : missing ? "miss" : "free";
        const wrong = name === "serial_number" && session.state === "wrong_serial";
        const mark = wrong ? icon("fail") : value ? icon("pass") : missing ? icon("scan") : "";
        const more = name === "work_order" && value && session.typed ? ` · ${ui("typed")}` : name === "plan" && session.scans.step ? ` · ${session.scans.step}` : "";
        return h("div", `scan ${wrong ? "wrong" : state}`, h("span", "scan-name", mark, ui(name), more),
          h("strong", "scan-value", value || (missing ? ui("to_scan") : "—")));
      }), crowded ? null : ordersTile(session.orders));
      put(below, session.scans.serial_number ? historyBlock(board, 3) : null);
      fitValues(tiles);
    },
  };
}

function fitValues(tiles) {
  for (const value of tiles.querySelectorAll(".scan:not(.orders) .scan-value")) fit(value, 0.6);
}

function ordersTile(orders) {
  return h("div", "scan orders", h("span", "scan-name", ui("orders")),
    h("strong", "scan-value", orders.length ? `${orders.length}` : ui("no_orders"), orders.length ? h("small", "", `: ${orders.map((order) => order.number).join(" ")}`) : ""));
}

// ---- a run --------------------------------------------------------------------------------------------------------
function run() {
  const title = h("h2", "step-title"), place = h("span", "step-place"), ends = h("span", "ends");
  const bar = h("progress", "bar"), strip = h("div", "strip"), tiles = h("div", "tiles"), pictures = h("div", "pictures");
  bar.max = 1;
  const known = new Map();
  return {
    parts: [h("div", "step-line", place, title, ends), bar, strip, h("div", "scene", tiles, pictures)],
    update(board, news) {
      const { run, live } = board;
      if (news.has("run")) { put(strip, ...stepBoxes(run)); header(run); }
      if (news.has("live")) {
        bar.value = live.step ? live.fraction : 0;
        bar.classList.toggle("empty", !live.step);
        put(ends, ...(live.ends_at ? [`${ui("ends_at")} `, h("strong", "", live.ends_at), ` · ${ui("left")} ${live.left}`] : []));
        showTiles(live);
      }
      if (news.has("traces")) for (const trace of board.traces) known.get(trace.name)?.trace(trace.points);
      if (news.has("curves") || news.has("traces") || news.has("live")) draw(board, news);
    },
  };

  function header(run) {
    const at = run.steps.findIndex((step) => step.id === run.step);
    text(place, at < 0 ? "" : `${at + 1} ${ui("of")} ${run.steps.length}`);
    text(title, at < 0 ? "" : say(run.steps[at].title));
    fit(title, 0.65);
  }

  function showTiles(live) {
    const names = live.tiles.map((tile) => tile.name);
    if (names.join() !== [...known.keys()].join()) {
      known.clear();
      for (const name of names) known.set(name, new Tile(name));
      put(tiles, ...[...known.values()].map((tile) => tile.element));
    }
    for (const tile of live.tiles) known.get(tile.name).show(tile);
    tiles.hidden = !names.length;
  }

  function draw(board, news) {
    const groups = curveGroups(board.curves);
    if (groups.length) {
      if (news.has("curves") || !pictures.childElementCount) {
        pictures.hidden = false;
        put(pictures, ...groups.slice(0, 2).map((group, i, all) => curvePlot(group, pictures, all.length)));
      }
    } else if (board.traces.some((trace) => trace.points.length > 2)) {
      if (news.has("traces")) { pictures.hidden = false; put(pictures, tracePlot(board, pictures)); }
    } else if (board.live.values.length) {
      if (news.has("live")) put(pictures, valueList(board.live.values));
    } else if (pictures.childElementCount) put(pictures);
    pictures.hidden = !pictures.childElementCount;
  }
}

// The course of the readings that share the first one's unit, over the step's own time.
function tracePlot(board, box) {
  const unit = board.live.tiles[0]?.unit;
  const same = board.live.tiles.filter((tile) => tile.unit === unit).map((tile) => tile.name);
  const traces = board.traces.filter((trace) => same.includes(trace.name) && trace.points.length > 2);
  if (!traces.length) return null;
  const axis = axisOfTime(Math.max(...traces.map((trace) => trace.points[trace.points.length - 1][0])));
  const titles = new Map(board.live.tiles.map((tile) => [tile.name, tile.title]));
  const curves = traces.slice(0, 2).map((trace, i) => ({
    x: trace.points.map((p) => p[0] / axis.by), y: trace.points.map((p) => p[1]),
    side: traces.length > 1 ? (i ? "right" : "left") : "", channel: shortName(trace.name),
  }));
  return plot(curves, { title: `${say(titles.get(traces[0].name))} (${unit})`, x: axis.words, settled: true }, box);
}

function shortName(name) {
  const side = name.split("_")[0];
  return side === "left" || side === "right" ? ui(`${side}_channel`) : "";
}

function valueList(values) {
  return h("div", "values", ...values.slice(-6).map((value) =>
    h("div", "value", h("span", "", say(value.title), value.channel ? ` · ${say(value.channel)}` : ""),
      h("strong", "", value.text, h("small", "", value.unit ? ` ${value.unit}` : "")))));
}

export function stepBoxes(run) {
  return run.steps.map((step) => {
    const now = step.id === run.step;
    const kind = now ? "now" : step.verdict ? step.verdict.toLowerCase() : "to-come";
    const box = h("span", `box ${kind}`, now ? "▶" : step.verdict ? symbol(step.verdict) : "");
    box.title = `${say(step.title)}: ${now ? ui("current") : step.verdict ? verdictWord(step.verdict) : ui("to_come")}`;
    return box;
  });
}

// ---- the needle -----------------------------------------------------------------------------------------------------
function guide() {
  const needle = new Needle();
  const value = h("strong", "guide-value"), unit = h("span", "guide-unit"), channel = h("span", "guide-channel");
  const name = h("span", "guide-name"), sign = h("span", "guide-sign"), hint = h("strong", "guide-hint"), window_ = h("span", "guide-window"), others = h("div", "guide-others");
  const turn = h("div", "turn", sign, hint);
  return {
    parts: [h("div", "guide", h("div", "dial-box", needle.svg),
      h("div", "guide-words", h("div", "guide-title", name, channel), h("div", "guide-line", value, unit), turn, others, window_))],
    update(board, news) {
      const guide = board.guide;
      if (!guide || !news.has("guide")) return;
      needle.show(guide);
      text(value, guide.text); text(unit, guide.unit); text(name, say(guide.title));
      text(channel, guide.channel ? ui(`${guide.channel}_channel`) : "");
      text(hint, ui(guide.hint));
      if (turn.dataset.hint !== guide.hint) { turn.dataset.hint = guide.hint; put(sign, icon(HINTS[guide.hint] || "ask")); }
      put(others, ...guide.others.map((one) => h("div", "", ui(`${one.channel}_channel`), ` ${one.text} ${one.unit} · ${ui(one.hint)}`)));
      text(window_, `${ui("window")} ${guide.low_text} – ${guide.high_text} ${guide.unit}`);
    },
  };
}

// ---- a question -----------------------------------------------------------------------------------------------------
function prompt() {
  const question = h("p", "question"), answers = h("div", "answers");
  return {
    parts: [question, answers],
    update(board, news) {
      const session = board.session;
      if (!session || !news.has("session")) return;
      const badge = session.asks?.kind === "badge";
      text(question, say(session.prompt));
      put(answers,
        badge ? h("div", "answer badge", icon("badge"), h("strong", "", ui("scan_badge")))
          : h("div", "answer ok", h("span", "knob", icon("pass")), h("strong", "", "OK"), h("span", "", ui("yes"))),
        h("div", "answer ng", h("span", "knob", icon("fail")), h("strong", "", "NG"), h("span", "", badge ? ui("decline") : ui("no"))));
      fit(question);
    },
  };
}

// ---- a verdict --------------------------------------------------------------------------------------------------------
function verdict() {
  const causes = h("ol", "causes"), strip = h("div", "strip"), below = h("div", "below"), facts = h("div", "scans facts");
  return {
    parts: [strip, causes, facts, below],
    update(board, news) {
      const session = board.session;
      if (!session || !(news.has("run") || news.has("session") || news.has("history"))) return;
      put(strip, ...stepBoxes(board.run));
      const found = session.state === "PASS" ? [] : board.run.causes;
      put(causes, ...found.slice(0, 4).map((cause) => h("li", "", say(cause))));
      causes.hidden = !found.length;
      const ticket = session.ticket || {}, made = board.run.steps.filter((step) => step.verdict === "PASS").length;
      put(facts, ...[["serial_number", ticket.serial_number], ...(found.length ? [] : [["work_order", ticket.work_order], ["plan", ticket.plan]])].map(([name, value]) =>
        h("div", "scan", h("span", "scan-name", ui(name)), h("strong", "scan-value", value || "—"))),
      h("div", "scan", h("span", "scan-name", ui("passed")), h("strong", "scan-value", `${made} ${ui("of")} ${board.run.steps.length}`)));
      put(below, historyBlock(board, found.length > 1 ? 2 : 4));
      fitValues(facts);
      fit(causes, 0.7);
    },
  };
}

// ---- a trip -------------------------------------------------------------------------------------------------------------
function trip() {
  const code = h("div", "trip-code"), words = h("p", "trip-words"), todo = h("p", "trip-do"), who = h("p", "trip-who");
  return {
    parts: [h("div", "trip", code, h("div", "trip-text", words, todo, who))],
    update(board, news) {
      const told = board.session?.trip;
      if (!told || !news.has("session")) return;
      put(code, h("span", "", ui("number")), h("strong", "", told.blink ? String(told.blink) : "—"), h("span", "", told.code));
      text(words, say(told.text));
      put(todo, ...(told.do ? [h("b", "", `${ui("do")}: `), say(told.do)] : []));
      put(who, ...(told.who ? [h("b", "", `${ui("who")}: `), say(told.who).replaceAll("*", "")] : []));
    },
  };
}

// ---- what stands in the side and in the overlay ----------------------------------------------------------------------------
export function historyBlock(board, most) {
  const history = board.history;
  if (!history?.rows) return null;
  const rows = history.rows.slice(0, most);
  return h("div", "history", h("h3", "", `${ui("history")} `, h("small", "", history.serial_number)),
    ...rows.map((row) => h("div", `was ${String(row.verdict).toLowerCase()}`,
      h("span", "was-mark", symbol(row.verdict)), h("strong", "", verdictWord(row.verdict)),
      h("span", "was-date", row.date), h("span", "was-purpose", say(row.purpose), row.station ? ` · ${row.station}` : ""),
      row.cause ? h("span", "was-cause", say(row.cause)) : "")),
    !rows.length ? h("p", "", ui("no_history")) : "");
}

export function stepsBlock(board) {
  const run = board.run;
  if (!run.steps.length) return null;
  return h("div", "steps", h("h3", "", ui("steps")),
    ...run.steps.map((step) => {
      const now = step.id === run.step, kind = now ? "now" : step.verdict ? step.verdict.toLowerCase() : "to-come";
      return h("div", `step ${kind}`, h("span", `box ${kind}`, now ? "▶" : step.verdict ? symbol(step.verdict) : ""),
        h("span", "step-name", say(step.title)), h("span", "step-verdict", now ? ui("current") : step.verdict ? verdictWord(step.verdict) : ""));
    }));
}

export function ordersBlock(board) {
  const orders = board.session?.orders || [];
  return h("div", "waiting", h("h3", "", `${ui("orders")} `, h("small", "", String(orders.length))),
    ...orders.slice(0, 8).map((order) => h("div", "order", h("strong", "", order.number),
      ` ${[order.serial_number, order.product, order.purpose].filter(Boolean).join(" · ")}`)));
}

export { spark };
