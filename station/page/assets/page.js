// The bench page: follows the stream of news, and says so in big letters when nothing comes. It shows and asks nothing.
import { fit, h, icon, language, put, say, setLanguage, text, ui, WORDS } from "./dom.js";
import { openKeypad } from "./keypad.js";
import { historyBlock, modeOf, ordersBlock, stepsBlock, VIEWS } from "./views.js";

const STALE_MS = 3500, RETRY_MS = 2000, OVERLAY_MS = 60000;
const ALL = ["bench", "link", "voltage", "session", "run", "live", "traces", "curves", "guide", "said", "history", "paper", "centre", "clock"];
const $ = (id) => document.getElementById(id);
const board = { bench: {}, link: { up: false }, voltage: "unknown", session: null, run: { steps: [], causes: [] },
  live: { tiles: [], values: [] }, traces: [], curves: [], guide: null, said: null, history: null, paper: null, centre: null, clock: "" };
const VOLT = { on: "bolt", off: "open", out: "none", unknown: "ask" };
const ICONS = { waiting: "scan", scan_missing: "scan", wrong_serial: "alarm", ready: "play", preparing: "run", energised: "run",
  prompt: "hand", cooling: "hot", PASS: "pass", FAIL: "fail", ABORTED: "stop", ERROR: "alarm", tripped: "alarm" };

let heardAt = -Infinity, local = false, refusedBy = "", source = null, mode = "", view = null, overlay = null, overlayTimer = 0;

// ---- the stream -------------------------------------------------------------------------------------------------------
function connect() {
  source?.close();
  source = new EventSource("/events");
  source.onmessage = (event) => { heardAt = performance.now(); refusedBy = ""; take(JSON.parse(event.data)); };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(connect, RETRY_MS);
    fetch("/events", { method: "HEAD" }).then((reply) => { refusedBy = reply.status === 503 ? "full" : ""; }, () => {});
  };
}

function take(news) {
  if (news.hello) {
    if (news.hello.build !== document.documentElement.dataset.build) { location.reload(); return; }
    local = news.hello.local;
    rail();
    return;
  }
  const names = new Set(ALL.filter((name) => name in news));
  for (const name of names) board[name] = news[name];
  show(names);
}

const alive = () => performance.now() - heardAt < STALE_MS && board.link.up && board.session !== null;

function watchdog() {
  const gone = !alive();
  if (gone !== document.body.classList.contains("gone")) {
    document.body.classList.toggle("gone", gone);
    if (gone) closeOverlay();
    else show(new Set(ALL), true);
  }
  if (gone) {
    const silent = performance.now() - heardAt >= STALE_MS;
    text($("gone-title"), heardAt < 0 && performance.now() < STALE_MS ? "正在连接… CONNECTING…" : ui("no_connection"));
    text($("gone-why"), refusedBy ? ui(refusedBy) : silent ? ui("no_page") : `${ui("no_daemon")}${board.link.why ? `: ${board.link.why}` : ""}`);
    text($("gone-rule"), ui("not_current"));
    text($("gone-try"), ui("trying"));
    document.body.dataset.volt = "unknown";
  }
}

// ---- what is shown -----------------------------------------------------------------------------------------------------
function show(news, anew = false) {
  watchdog();
  if (document.body.classList.contains("gone")) return;
  const session = board.session, wanted = modeOf(board);
  if (wanted !== mode || anew) {
    mode = wanted;
    document.body.dataset.mode = mode;
    view = VIEWS[mode]();
    put($("main"), ...view.parts);
    news = new Set(ALL);
    if (mode === "prompt" || mode === "trip") closeOverlay();
  }
  head(news);
  if (news.has("session") || news.has("guide")) card(session);
  if (news.has("said")) said();
  view.update(board, news);
  if (["session", "run", "history"].some((name) => news.has(name))) side();
  if (overlay === "more" && news.has("run")) more();
}

function head(news) {
  if (news.has("voltage")) {
    document.body.dataset.volt = board.voltage in VOLT ? board.voltage : "unknown";
    put($("volt-icon"), icon(VOLT[board.voltage] || "ask"));
  }
  text($("volt-text"), ui(mode === "guide" && board.voltage === "on" ? "volt_guide" : `volt_${document.body.dataset.volt}`));
  if (news.has("clock")) text($("clock"), board.clock);
  if (news.has("voltage") || news.has("guide") || news.has("paper") || news.has("centre")) queueMicrotask(() => fit($("volt-text"), 0.5));
  if (news.has("bench")) {
    text($("name"), board.bench.name || "");
    document.title = `${board.bench.name || ""} ${ui("title")}`.trim();
    $("sim").hidden = !board.bench.simulated;
    text($("sim"), ui("simulated"));
  }
  if (news.has("centre") && board.centre) {
    const { connected, waiting, quarantined } = board.centre;
    const words = connected ? ui("connected") : ui("offline");
    $("centre").title = `${ui("centre")}: ${words}`;
    $("centre").className = connected ? "" : "bad";
    put($("centre"), icon(connected ? "link" : "unlink"), waiting ? h("small", "", `${ui("to_send")} ${waiting}`) : "",
      quarantined ? h("small", "", `${ui("quarantined")} ${quarantined}`) : "");
  }
  if (news.has("paper")) paper();
}

function paper() {
  const told = board.paper, waits = told && (told.pending || told.reason);
  $("paper").hidden = !waits;
  if (!waits) return;
  $("paper").title = say(told.reason);
  put($("paper"), icon("print"), h("small", "", `${told.reason ? ui("paper_out") : ui("paper_pending")} ${told.pending || ""}`.trim()));
}

function card(session) {
  const guide = mode === "guide" ? board.guide : null;
  $("card").dataset.state = session.state;
  if ($("card-icon").dataset.name !== session.state) {
    $("card-icon").dataset.name = session.state;
    put($("card-icon"), icon(ICONS[session.state] || "ask"));
  }
  text($("state"), say(session.title));
  text($("next"), mode === "trip" ? "" : guide ? stepTitle() : say(session.next));
  $("next").hidden = mode === "trip";
  const lamps = guide?.lamps || session.lamps;
  put($("lamps"), ...(lamps ? [h("div", "lamp-row", ...lampDots(lamps.lamps, board.paper?.reason)), h("small", "", say(lamps.words))] : []));
  fit($("state"), 0.55);
  fit($("next"), 0.6);
}

function stepTitle() {
  const step = board.run.steps.find((one) => one.id === board.run.step);
  return step ? say(step.title) : "";
}

function lampDots(lit, printerOut) {
  const rhythms = new Map(lit);
  if (printerOut && !rhythms.has("violet")) rhythms.set("violet", "wink");
  return ["blue", "white", "yellow", "violet"].map((name) => h("i", `lamp ${name} ${rhythms.get(name) || "dark"}`));
}

function said() {
  const told = board.said;
  $("said").hidden = !told;
  if (!told) return;
  $("said").className = told.kind === "refuse" ? "refused" : "note";
  put($("said"), icon(told.kind === "refuse" ? "hand" : "alarm"), h("b", "", ui(told.kind === "refuse" ? "refused" : "note")), " ", h("span", "", say(told.text)));
  fit($("said"), 0.6);
}

function side() {
  const column = $("side");
  put(column, stepsBlock(board), historyBlock(board, 4), ordersBlock(board));
  // the step in hand has a few after it in sight; the list begins and ends on a whole row, and no title stands alone
  const bottom = (row) => row.getBoundingClientRect().bottom - column.getBoundingClientRect().top;
  const steps = [...column.querySelectorAll(".step")], now = steps.findIndex((row) => row.matches(".now"));
  const over = now > 0 ? bottom(steps[now]) - column.clientHeight * 0.7 : 0;
  if (over > 0) steps.slice(0, Math.min(now, Math.ceil(over / steps[now].offsetHeight))).forEach((row) => row.classList.add("cut"));
  const room = column.clientHeight - parseFloat(getComputedStyle(column).paddingBottom) / 2;
  let last = false;
  for (const row of [...column.querySelectorAll("h3, p, .step:not(.cut), .was, .order")].reverse()) {
    last = bottom(row) > room || (last && row.matches("h3") && row.nextElementSibling !== null);
    row.classList.toggle("cut", last);
  }
}

// ---- the rail and what it opens ------------------------------------------------------------------------------------------
function button(name, label, action) {
  const one = h("button", "", icon(name), h("span", "", label));
  one.type = "button";
  one.addEventListener("click", action);
  return one;
}

function rail() {
  const flag = h("button", "lang", h("strong", "", ui("language")));
  flag.type = "button";
  flag.addEventListener("click", () => { setLanguage(language() === "zh" ? "en" : "zh"); relabel(); });
  const buttons = [flag, button("more", ui("details"), more), button("lamp", ui("lamps"), legend)];
  if (local) buttons.push(button("key", ui("type"), () => { open("type"); openKeypad($("overlay"), closeOverlay); }));
  put($("rail"), ...buttons);
}

function relabel() {
  document.documentElement.lang = language();
  closeOverlay();
  rail();
  if (board.session) show(new Set(ALL), true);
  watchdog();
}

function open(name) {
  overlay = name;
  $("overlay").hidden = false;
  clearTimeout(overlayTimer);
  overlayTimer = setTimeout(closeOverlay, OVERLAY_MS);
}

function closeOverlay() {
  overlay = null;
  clearTimeout(overlayTimer);
  $("overlay").hidden = true;
  put($("overlay"));
}

function backButton() {
  const back = h("button", "back", icon("fail"), h("span", "", ui("back")));
  back.type = "button";
  back.addEventListener("click", closeOverlay);
  return back;
}

function more() {
  open("more");
  put($("overlay"), backButton(), h("div", "sheet", stepsBlock(board), historyBlock(board, 6), ordersBlock(board)));
}

function legend() {
  open("legend");
  put($("overlay"), backButton(), h("div", "sheet", h("table", "legend", h("tbody", "", ...WORDS.legend.map((row) =>
    h("tr", "", h("td", "", h("div", "lamp-row", ...lampDots(row.lamps)), h("small", "", say(row.words))),
      h("td", "", h("strong", "", say(row.title)), h("small", "", `${ui("buzzer")}: ${say(row.buzzer)}`)), h("td", "", say(row.do).replaceAll("*", ""))))))));
}

document.documentElement.lang = language();
document.body.classList.add("gone");
rail();
watchdog();
connect();
setInterval(watchdog, 400);
addEventListener("resize", () => { if (board.session && alive()) show(new Set(ALL), true); });
