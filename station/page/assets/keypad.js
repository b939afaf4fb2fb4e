// A code that will not scan, typed with gloves on. Only the bench's own screen offers it; the daemon's session decides.
import { h, icon, put, say, text, ui } from "./dom.js";

const KINDS = [["WO", "work_order"], ["SN", "serial_number"], ["PR", "product"], ["PL", "plan"], ["IM", "imei"]];
// two sheets of keys, so that each is as large as a glove needs
const SHEETS = { ABC: ["QWERTYUIOP", "ASDFGHJKL-", "ZXCVBNM_./"], 123: ["12345", "67890", "-_./#"] };
const MOST = 48;

export function openKeypad(overlay, close) {
  let kind = "WO", value = "", busy = false, small = false, sheet = "123";
  const shown = h("output", "typed"), answer = h("p", "typed-answer");
  answer.setAttribute("role", "alert");
  const kinds = h("div", "kinds");
  const keys = h("div", "keys");
  const key = (name, label, action) => {
    const one = h("button", name, label);
    one.type = "button";
    one.addEventListener("click", action);
    return one;
  };
  function draw() {
    put(shown, `${kind}:${value}▏`, value ? "" : h("small", "", ` ${ui("type_title")}`));
    put(kinds, ...KINDS.map(([code, name]) => key(code === kind ? "kind chosen" : "kind", ui(name), () => { kind = code; draw(); })));
  }
  function add(letter) {
    if (value.length < MOST) value += letter;
    text(answer, "");
    draw();
  }
  function letters() {
    keys.dataset.sheet = sheet;
    put(keys, ...SHEETS[sheet].flatMap((row) => [...row].map((letter) => {
      const one = small ? letter.toLowerCase() : letter;
      return key("", one, () => add(one));
    })));
    text(other, sheet === "ABC" ? "123" : "ABC");
  }
  async function send() {
    if (busy || !value) return;
    busy = true;
    try {
      const reply = await fetch("/scan", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ text: `${kind}:${value}` }) });
      const told = reply.ok ? await reply.json() : { status: "refused", text: await reply.text() };
      if (told.status === "done") { value = ""; text(answer, `✓ ${ui("sent")}`); } else text(answer, `${ui("refused")}: ${say(told.text)}`);
    } catch { text(answer, ui("no_connection")); }
    busy = false;
    draw();
  }
  overlay.onkeydown = (event) => {
    if (event.key === "Enter") send();
    else if (event.key === "Backspace") { value = value.slice(0, -1); draw(); }
    else if (event.key.length === 1 && /[!-~]/.test(event.key)) add(event.key);
    else return;
    event.preventDefault();
  };
  const back = key("back", icon("fail"), close);
  back.append(h("span", "", ui("back")));
  const other = key("wide other", "", () => { sheet = sheet === "ABC" ? "123" : "ABC"; letters(); });
  put(overlay, h("div", "keypad", h("div", "keypad-head", kinds, back), h("div", "typed-line", shown, answer), keys,
    h("div", "keypad-foot", other, key("wide", "Aa", () => { small = !small; letters(); }), key("wide", "⌫", () => { value = value.slice(0, -1); draw(); }), key("wide go", ui("send"), send))));
  draw();
  letters();
  overlay.tabIndex = -1;
  overlay.focus();
}
